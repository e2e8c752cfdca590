"""Runs every scenario for every client and model, a line for each, and a table at the end."""

import os
import sys
import warnings

# The SDKs' types warn of what does not fit them only when it is written out again.
warnings.simplefilter("error", UserWarning)

from anthropic_messages import Messages
from gemini_generate import Generate
from openai_chat import Chat
from openai_responses import Responses
from scenarios import EACH, ONCE, VIOLATES, NotForIt
from world import MODELS, Fake, Wrong

WANTED = os.environ.get("POINTSMAN_CASES", "").split()
NO_MODEL = "gateway"


def run(client, model: str, name: str, scenario) -> str:
    """One case, its mark for the table."""
    words = f"python {client.name} {model} {name}"
    if not all(wanted in words.split() for wanted in WANTED):
        return ""
    why = None
    try:
        scenario()
    except NotForIt:
        return "-"
    except Wrong as wrong:
        why = str(wrong)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    violations = fake.violations()
    if violations and name not in VIOLATES:
        why = f"{why or ''} the upstream was sent what it forbids: {'; '.join(violations)}".strip()
    print(words, f"FAILED {why}" if why else "ok", flush=True)
    return "FAILED" if why else "ok"


def table(marks: dict) -> None:
    columns = [NO_MODEL, *MODELS]
    print("\n" + f"{'python':32}" + "".join(f"{column.removeprefix('via-'):>15}" for column in columns))
    for (client, name), row in marks.items():
        if any(row.values()):
            print(f"{client + ' ' + name:32}" + "".join(f"{row.get(column, ''):>15}" for column in columns))
    print()


fake = Fake()
marks: dict = {}
for client in (Chat(), Responses(), Messages(), Generate()):
    for name, scenario in ONCE.items():
        row = marks.setdefault((client.name, name), {})
        row[NO_MODEL] = run(client, NO_MODEL, name, lambda: scenario(client))
    for name, scenario in EACH.items():
        row = marks.setdefault((client.name, name), {})
        for model in MODELS:
            row[model] = run(client, model, name, lambda: scenario(client, model))
table(marks)
failed = sum(mark == "FAILED" for row in marks.values() for mark in row.values())
passed = sum(mark == "ok" for row in marks.values() for mark in row.values())
print(f"python: {passed} passed, {failed} failed\n")
# With nothing run nothing is shown, unless no case of this language was wanted.
sys.exit(1 if failed or not (passed or WANTED) else 0)

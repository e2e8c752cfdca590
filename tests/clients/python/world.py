"""What the Rust test has set up, what every client looks like to the scenarios, and how they compare.

A client is one SDK used for one dialect. It speaks its SDK's own types: what it gets is what it sends back in the next turn,
as an application would. Only what is compared is put into a `Reply`."""

import json
import os
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any

URL = os.environ["POINTSMAN_URL"]
KEY = os.environ["POINTSMAN_KEY"]
MODELS: dict[str, str] = json.loads(os.environ["POINTSMAN_MODELS"])  # ours → the upstream's
FAKE = os.environ["POINTSMAN_FAKE"]
with open(os.path.join(os.path.dirname(__file__), "..", "scenarios.json"), encoding="utf-8") as file:
    SHARED = json.load(file)


class Wrong(Exception):
    """Something is not as it must be."""


def same(what: str, got: Any, expected: Any) -> None:
    if got != expected:
        raise Wrong(f"{what}: got {got!r}, expected {expected!r}")


def holds(what: str, truth: Any) -> None:
    if not truth:
        raise Wrong(what)


def told(model: str, what: str) -> bool:
    """What a provider is known for: `outbound` in scenarios.json."""
    return SHARED["outbound"][model].get(what, False)


@dataclass
class Usage:
    prompt: int | None  # all of it, cached or not
    cached: int | None
    output: int | None  # all of it, thinking included
    reasoning: int | None


@dataclass
class Reply:
    native: Any  # what goes back as the assistant's turn
    text: str = ""
    stop: str = ""  # end, tools, length or filter, or the dialect's own word
    calls: list[tuple[str, dict]] = field(default_factory=list)
    thinking: str = ""
    usage: Usage | None = None
    headers: Any = None
    # Of a stream: how many events brought something.
    texts: int = 0
    thoughts: int = 0
    arguments: int = 0


@dataclass
class Fault:
    """An exception as its SDK classed it: authentication, not_found, bad_request, rate_limit, or the class's name."""

    kind: str
    status: int | None
    message: str
    said: str  # all that it says, the field at fault included
    headers: Any
    code: str | None = None


@dataclass
class Talk:
    turns: list
    system: str | None = None


class Fake:
    """The fake provider's own window: tests/src/fake/admin.rs."""

    def _call(self, method: str, path: str) -> Any:
        with urllib.request.urlopen(urllib.request.Request(f"{FAKE}/_fake/{path}", method=method)) as answer:
            return json.load(answer)

    def violations(self) -> list[str]:
        """What requests since the last call had in them that their protocol forbids."""
        found = [f"{v['protocol']} {v['path']}: {v['message']}" for v in self._call("GET", "violations")]
        if found:
            self._call("DELETE", "stats")
        return found

    def cancelled(self, upstream: str) -> int:
        return self._call("GET", "stats")["models"].get(upstream, {}).get("cancelled", 0)

    def wait_until_cancelled(self, upstream: str, within: float) -> None:
        end = time.monotonic() + within
        while not self.cancelled(upstream):
            holds(f"the upstream call is not cancelled within {within} s", time.monotonic() < end)
            time.sleep(0.01)

"""What is tried with every client. A scenario that is no client's business says so with `NotForIt`.

The fake provider does what the last turn's lines tell it: `call:NAME {arguments}`, `think`, `length`, `say TEXT`
(tests/src/say.rs)."""

import json

from world import MODELS, SHARED, Fake, Fault, Reply, Usage, Wrong, holds, same, told

PROSE, THOUGHT = SHARED["prose"], SHARED["thought"]
TOOLS, WEATHER, TIME = SHARED["tools"], SHARED["weather"], SHARED["time"]
CALL_WEATHER = "call:get_weather " + json.dumps(WEATHER["arguments"], ensure_ascii=False)
CALL_TIME = "call:get_time " + json.dumps(TIME["arguments"], ensure_ascii=False)
WEATHER_RESULT, TIME_RESULT = ("get_weather", WEATHER["result"]), ("get_time", TIME["result"])
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
# Of the last turn, so that the Rust test finds the upstream's requests that must hold the prompt and the history too.
WITH_PROMPT = "with-prompt"


class NotForIt(Exception):
    """This client or this model has nothing of the kind."""


EACH = {}  # for each client and model
ONCE = {}  # for each client
VIOLATES = {"bad_request"}  # where it passes, it reaches the upstream as it is, and must


def each(function):
    EACH[function.__name__] = function
    return function


def once(function):
    ONCE[function.__name__] = function
    return function


def usage(model: str, *, thinks=False) -> Usage:
    numbers = SHARED["usage"]
    reasoning = numbers["reasoning"] if thinks and not told(model, "reasoning_untold") else 0
    return Usage(numbers["prompt"], numbers["cached"], numbers["output"], reasoning)


def expect(reply: Reply, model: str, *, text: str, stop="end", calls=(), thinks=False) -> None:
    same("text", reply.text, text)
    same("stop", reply.stop, stop)
    same("calls", reply.calls, list(calls))
    same("thinking", reply.thinking, THOUGHT if thinks else "")
    # Who does not tell of thinking's tokens, and who tells of none, are the same to an application.
    reply.usage.reasoning = reply.usage.reasoning or 0
    same("usage", reply.usage, usage(model, thinks=thinks))


def caught(client, action) -> Fault:
    try:
        action()
    except (Wrong, ArithmeticError, AttributeError, LookupError, TypeError):
        raise  # our own mistakes are not what was waited for
    except Exception as error:  # of whichever class the SDK has for it
        return client.fault(error)
    raise Wrong("nothing was raised")


# What is asked.


@each
def text(client, model):
    reply = client.ask(model, client.talk("Is the line clear?"))
    expect(reply, model, text=PROSE)
    holds("there is a request id", not client.request_id or reply.headers.get(client.request_id))


@each
def text_stream(client, model):
    reply = client.ask(model, client.talk("Is the line clear?"), stream=True)
    expect(reply, model, text=PROSE)
    holds(f"several events, not {reply.texts}", reply.texts >= 4)


def tool_loop(client, model, stream):
    """A prompt, a history, a call beside words, its result, and the conversation goes on."""
    asked = f"{WITH_PROMPT}\nsay Looking.\n{CALL_WEATHER}"
    talk = client.talk(asked, system=SHARED["system"], history=SHARED["history"])
    reply = client.ask(model, talk, tools=TOOLS, stream=stream)
    expect(reply, model, text="Looking.", stop="tools", calls=[("get_weather", WEATHER["arguments"])])
    if stream and not (told(model, "arguments_whole") or client.name == "generate"):
        holds(f"arguments in several events, not {reply.arguments}", reply.arguments >= 2)
    talk = client.follow(talk, reply, results=[WEATHER_RESULT])
    reply = client.ask(model, talk, tools=TOOLS, stream=stream)
    expect(reply, model, text=f"result get_weather: {WEATHER['result']}")
    talk = client.follow(talk, reply, text="say You are welcome.")
    expect(client.ask(model, talk, tools=TOOLS, stream=stream), model, text="You are welcome.")


@each
def tools(client, model):
    tool_loop(client, model, False)


@each
def tools_stream(client, model):
    tool_loop(client, model, True)


def parallel_calls(client, model, stream):
    talk = client.talk(f"{CALL_WEATHER}\n{CALL_TIME}", system=SHARED["system"])
    reply = client.ask(model, talk, tools=TOOLS, stream=stream)
    calls = [("get_weather", WEATHER["arguments"]), ("get_time", TIME["arguments"])]
    expect(reply, model, text="", stop="tools", calls=calls)
    talk = client.follow(talk, reply, results=[WEATHER_RESULT, TIME_RESULT])
    reply = client.ask(model, talk, tools=TOOLS, stream=stream)
    expect(reply, model, text=f"result get_weather: {WEATHER['result']}\nresult get_time: {TIME['result']}")


@each
def parallel(client, model):
    parallel_calls(client, model, False)


@each
def parallel_stream(client, model):
    parallel_calls(client, model, True)


@each
def image(client, model):
    talk = client.talk("What is this?", image=SHARED["image"])
    expect(client.ask(model, talk), model, text=SHARED["image"]["seen"])


def thinking_turns(client, model, stream):
    talk = client.talk("think")
    reply = client.ask(model, talk, think=True, stream=stream)
    expect(reply, model, text=PROSE, thinks=True)
    holds(f"thinking in several events, not {reply.thoughts}", not stream or reply.thoughts >= 2)
    talk = client.follow(talk, reply, text="say Go on.")
    reply = client.ask(model, talk, think=True, stream=stream)
    expect(reply, model, text="Go on.")


@each
def thinking(client, model):
    thinking_turns(client, model, False)


@each
def thinking_stream(client, model):
    thinking_turns(client, model, True)


def thinking_loop(client, model, then, stream):
    """Thinking before a call, which goes back with the result, and both again with the next question. The model `then`
    goes on."""
    talk = client.talk(f"think\nsay Looking.\n{CALL_WEATHER}\n{CALL_TIME}", system=SHARED["system"])
    reply = client.ask(model, talk, tools=TOOLS, think=True, stream=stream)
    calls = [("get_weather", WEATHER["arguments"]), ("get_time", TIME["arguments"])]
    expect(reply, model, text="Looking.", stop="tools", calls=calls, thinks=True)
    talk = client.follow(talk, reply, results=[WEATHER_RESULT, TIME_RESULT])
    reply = client.ask(then, talk, tools=TOOLS, think=True, stream=stream)
    expect(reply, then, text=f"result get_weather: {WEATHER['result']}\nresult get_time: {TIME['result']}")
    talk = client.follow(talk, reply, text="think\nsay You are welcome.")
    reply = client.ask(then, talk, tools=TOOLS, think=True, stream=stream)
    expect(reply, then, text="You are welcome.", thinks=True)


@each
def thinking_tools(client, model):
    thinking_loop(client, model, model, False)


@each
def thinking_tools_stream(client, model):
    thinking_loop(client, model, model, True)


@each
def change_of_model(client, model):
    """A conversation that one provider's model has thought about goes on with each other's."""
    failed = []
    for then in MODELS:
        try:
            thinking_loop(client, model, then, False)
        except Exception as error:
            failed.append(f"to {then}: {error}")
    if failed:
        raise Wrong("; ".join(failed))


@each
def stops(client, model):
    for word in ("length", "filter"):
        if word == "filter" and told(model, "filter_untold"):
            continue
        for stream in (False, True):
            reply = client.ask(model, client.talk(f"{word}\nsay Half"), stream=stream)
            same(f"{word}, stream {stream}: stop", reply.stop, word)
            same(f"{word}, stream {stream}: text", reply.text, "Half")


@each
def structured(client, model):
    """The fake says what it is told, so this is about the request alone: a schema must be taken."""
    reply = client.ask(model, client.talk('say {"city": "Oslo"}'), schema=SCHEMA)
    same("text", json.loads(reply.text), {"city": "Oslo"})


@each
def count_tokens(client, model):
    if not hasattr(client, "count"):
        raise NotForIt
    count = client.count(model, client.talk("Is the line clear?"))
    if told(model, "counts"):
        same("the provider's own count", count, SHARED["usage"]["prompt"])
    else:
        holds(f"a count: {count}", 0 < count < 100)


@each
def completions(client, model):
    if not hasattr(client, "completion"):
        raise NotForIt
    client.completion(model, False)


@each
def completions_stream(client, model):
    if not hasattr(client, "completion"):
        raise NotForIt
    client.completion(model, True)


@each
def embeddings(client, model):
    if not hasattr(client, "embedding"):
        raise NotForIt
    if client.embeds(model):
        client.embedding(f"{model}.embeds")
    else:
        same("kind", caught(client, lambda: client.embedding(f"{model}.embeds")).kind, "bad_request")


# What is left out, and what is refused.


@each
def dropped(client, model):
    more, name, where = client.dropped
    reply = client.ask(model, client.talk("hello"), more=more)
    header = reply.headers.get("x-pointsman-dropped", "")
    said = [field.strip() for field in header.split(",")]
    named = any(field == name or field.endswith(f".{name}") for field in said)
    same(f"{name} is said to be dropped ({header!r})", named, model in where)


@each
def unsupported(client, model):
    more, name, where = client.unsupported
    if model not in where:
        raise NotForIt
    error = caught(client, lambda: client.ask(model, client.talk("hello"), more=more))
    same("kind", error.kind, "bad_request")
    holds(f"{name} is named: {error.said}", name in error.said)


@each
def bad_request(client, model):
    error = caught(client, lambda: client.bad_request(model))
    same("kind", error.kind, "bad_request")
    holds(f"{client.bad_field} is named: {error.said}", client.bad_field in error.said)


@each
def too_long(client, model):
    for stream in (False, True):
        error = caught(client, lambda: client.ask(f"{model}.long", client.talk("hello"), stream=stream))
        same("kind", error.kind, "bad_request")
        client.too_long(error)


# What goes wrong upstream. Each case has a model of its own, so that none meets the circuits and cooldowns of another.


def faulty(client, model, fault):
    return f"{model}.{fault}.python-{client.name}"


@each
def rate_limit(client, model):
    error = caught(client, lambda: client.ask(faulty(client, model, "limited"), client.talk("hello")))
    same("kind", error.kind, "rate_limit")
    wait = int(error.headers.get("retry-after", 0))
    # With up to a tenth of jitter; who does not say how long gets the provider's `cooldown`.
    low, high = (19, 22) if told(model, "wait_untold") else (6, 8)
    holds(f"retry-after is {wait}", low <= wait <= high)


@each
def rate_limit_in_stream(client, model):
    name = faulty(client, model, "limited-stream")
    error = caught(client, lambda: client.ask(name, client.talk("hello"), stream=True))
    same("kind", error.kind, "rate_limit")
    holds("there is a retry-after", int(error.headers.get("retry-after", 0)) > 0)


def breaks(client, model, fault):
    error = caught(client, lambda: client.ask(faulty(client, model, fault), client.talk("hello"), stream=True))
    holds(f"the status was sent before: {error}", error.kind not in ("bad_request", "rate_limit", "not_found"))


@each
def error_in_stream(client, model):
    breaks(client, model, "error")


@each
def stream_cut(client, model):
    breaks(client, model, "cut")


@each
def stream_without_end(client, model):
    if told(model, "end_untold"):
        raise NotForIt
    breaks(client, model, "early")


@each
def cancel(client, model):
    name = faulty(client, model, "silent")
    upstream = f"{MODELS[model]}.{name}"
    let_go = client.start_stream(name)
    holds("something of the stream came", let_go)
    same("cancelled before", Fake().cancelled(upstream), 0)
    let_go()
    Fake().wait_until_cancelled(upstream, 1)


# What has nothing to do with a model.


@once
def wrong_key(client):
    stranger = type(client)(key="wrong")
    error = caught(client, lambda: stranger.ask("via-openai", client.talk("hello")))
    same("kind", error.kind, "authentication")


@once
def unknown_model(client):
    for stream in (False, True):
        error = caught(client, lambda: client.ask("no-such-model", client.talk("hello"), stream=stream))
        same("kind", error.kind, "not_found")
        holds(f"it is named: {error.said}", "no-such-model" in error.said)


@once
def models(client):
    names = client.models()
    holds(f"every model is there: {names}", set(MODELS) <= set(names))

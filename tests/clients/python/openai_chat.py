"""The package openai: chat completions, the legacy completions, embeddings."""

import json

import openai
from openai import OpenAI

from world import KEY, SHARED, URL, Fault, Reply, Talk, Usage, holds, same, told

STOPS = {"stop": "end", "tool_calls": "tools", "length": "length", "content_filter": "filter"}
KINDS = {
    openai.AuthenticationError: "authentication",
    openai.NotFoundError: "not_found",
    openai.BadRequestError: "bad_request",
    openai.RateLimitError: "rate_limit",
}


def fault(error: Exception) -> Fault:
    kind = KINDS.get(type(error), type(error).__name__)
    response = getattr(error, "response", None)
    body = getattr(error, "body", None)
    return Fault(
        kind=kind,
        status=getattr(error, "status_code", None),
        message=body.get("message", "") if isinstance(body, dict) else str(error),
        said=f"{error} {getattr(error, 'param', '')}",
        headers=response.headers if response is not None else {},
        code=getattr(error, "code", None),
    )


def said(message) -> dict:
    """An answer as it goes back. What the stream's helper has parsed for the application is not OpenAI's."""
    turn = message.model_dump(exclude_none=True, exclude={"parsed"})
    for call in turn.get("tool_calls", []):
        call.pop("index", None)
        call["function"].pop("parsed_arguments", None)
    return turn


class Chat:
    name = "chat"
    request_id = "x-request-id"
    fault = staticmethod(fault)

    # Where it cannot be carried, and what names it.
    unsupported = ({"n": 2}, "n", ["via-responses", "via-anthropic", "via-gemini", "via-bedrock", "via-codewhisperer"])
    dropped = ({"seed": 7}, "seed", ["via-responses", "via-anthropic", "via-bedrock", "via-codewhisperer"])

    def __init__(self, key: str = KEY):
        self.api = OpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)

    def talk(self, text: str, *, system: str | None = None, history=(), image=None) -> Talk:
        turns = [{"role": "system", "content": system}] if system else []
        for role, said in zip(("user", "assistant") * len(history), history):
            turns.append({"role": role, "content": said})
        content = text
        if image:
            url = f"data:{image['mime']};base64,{image['base64']}"
            content = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
        return Talk(turns + [{"role": "user", "content": content}])

    def follow(self, talk: Talk, reply: Reply, *, text: str | None = None, results=()) -> Talk:
        turns = [*talk.turns, reply.native]
        for call, (_, result) in zip(reply.native.get("tool_calls", []), results):
            turns.append({"role": "tool", "tool_call_id": call["id"], "content": result})
        return Talk(turns + ([{"role": "user", "content": text}] if text else []))

    def ask(self, model: str, talk: Talk, *, tools=(), think=False, stream=False, schema=None, more=None) -> Reply:
        request = {"model": model, "messages": talk.turns, **(more or {})}
        if tools:
            request["tools"] = [{"type": "function", "function": tool} for tool in tools]
        if think:
            request["reasoning_effort"] = "medium"
        if schema:
            shape = {"name": "place", "schema": schema, "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": shape}
        if stream:
            return self._streamed(request)
        raw = self.api.chat.completions.with_raw_response.create(**request)
        return self._reply(raw.parse(), raw.headers)

    def _streamed(self, request: dict) -> Reply:
        texts = thoughts = arguments = 0
        with self.api.chat.completions.stream(**request, stream_options={"include_usage": True}) as events:
            for event in events:
                texts += event.type == "content.delta"
                arguments += event.type == "tool_calls.function.arguments.delta" and event.arguments_delta != ""
                if event.type == "chunk" and event.chunk.choices:
                    thoughts += bool(getattr(event.chunk.choices[0].delta, "reasoning_content", None))
            # `get_final_completion` gives the same, but raises where an answer was cut short.
            reply = self._reply(events.current_completion_snapshot, None)
        reply.texts, reply.thoughts, reply.arguments = texts, thoughts, arguments
        return reply

    def _reply(self, completion, headers) -> Reply:
        holds(f"the id {completion.id!r} is OpenAI's", completion.id.startswith("chatcmpl-"))
        [choice] = completion.choices
        message, usage = choice.message, completion.usage
        same("total tokens", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
        prompt, output = usage.prompt_tokens_details, usage.completion_tokens_details
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        return Reply(
            native=said(message),
            text=message.content or "",
            stop=STOPS.get(choice.finish_reason, choice.finish_reason),
            calls=calls,
            thinking=getattr(message, "reasoning_content", None) or "",
            usage=Usage(
                usage.prompt_tokens,
                prompt and prompt.cached_tokens,
                usage.completion_tokens,
                output and output.reasoning_tokens,
            ),
            headers=headers,
        )

    def bad_request(self, model: str) -> None:
        self.api.chat.completions.create(model=model, messages=[{"role": "robot", "content": "hello"}])

    bad_field = "role"

    def too_long(self, error: Fault) -> None:
        same("code", error.code, "context_length_exceeded")

    def start_stream(self, model: str):
        """A stream of which one piece has come, and how to let go of it."""
        events = self.api.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "hello"}], stream=True
        )
        for event in events:
            if event.choices and event.choices[0].delta.content:
                return events.close

    def models(self) -> list[str]:
        names = [model.id for model in self.api.models.list()]
        same("one model", self.api.models.retrieve(names[0]).id, names[0])
        return names

    def embeds(self, model: str) -> bool:
        return not told(model, "embeds_not")

    def completion(self, model: str, stream: bool) -> None:
        request = {"model": model, "prompt": "Is the line clear?"}
        if not stream:
            whole = self.api.completions.create(**request)
            same("text", whole.choices[0].text, SHARED["prose"])
            same("finish_reason", whole.choices[0].finish_reason, "stop")
            same("usage", (whole.usage.prompt_tokens, whole.usage.completion_tokens), (30, 12))
            return
        events = self.api.completions.create(**request, stream=True, stream_options={"include_usage": True})
        chunks = list(events)
        texts = [chunk.choices[0].text for chunk in chunks if chunk.choices and chunk.choices[0].text]
        same("text", "".join(texts), SHARED["prose"])
        holds(f"several events, not {len(texts)}", len(texts) > 1)
        reasons = [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices]
        same("finish_reason", [reason for reason in reasons if reason], ["stop"])
        same("usage at the end", chunks[-1].usage and chunks[-1].usage.total_tokens, 42)

    def embedding(self, model: str) -> None:
        # The SDK asks for base64 unless told otherwise.
        packed = self.api.embeddings.create(model=model, input=["one", "two"])
        plain = self.api.embeddings.create(model=model, input=["one", "two"], encoding_format="float")
        same("order", [item.index for item in packed.data], [0, 1])
        for one, other in zip(packed.data, plain.data):
            holds("a vector", len(one.embedding) > 1)
            close = all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding))
            holds("base64 and decimals say the same", close and len(one.embedding) == len(other.embedding))
        holds("two inputs, two vectors", packed.data[0].embedding != packed.data[1].embedding)
        holds("usage", packed.usage.prompt_tokens > 0)

"""The package anthropic: messages."""

import anthropic
from anthropic import Anthropic

from world import KEY, URL, Fault, Reply, Talk, Usage, holds, same

STOPS = {"end_turn": "end", "tool_use": "tools", "max_tokens": "length", "refusal": "filter"}
KINDS = {
    anthropic.AuthenticationError: "authentication",
    anthropic.NotFoundError: "not_found",
    anthropic.BadRequestError: "bad_request",
    anthropic.RateLimitError: "rate_limit",
}


def fault(error: Exception) -> Fault:
    response = getattr(error, "response", None)
    body = getattr(error, "body", None)
    told = body.get("error") if isinstance(body, dict) else None
    return Fault(
        kind=KINDS.get(type(error), type(error).__name__),
        status=getattr(error, "status_code", None),
        message=told.get("message", "") if isinstance(told, dict) else str(error),
        said=str(error),
        headers=response.headers if response is not None else {},
    )


class Messages:
    name = "messages"
    request_id = "request-id"
    fault = staticmethod(fault)

    unsupported = (
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        "tools",
        ["via-openai", "via-compatible", "via-responses", "via-azure", "via-gemini", "via-bedrock", "via-codewhisperer"],
    )
    dropped = (
        {"extra_body": {"top_k": 5}},  # which this version of the SDK has no parameter for any more
        "top_k",
        ["via-openai", "via-compatible", "via-responses", "via-azure", "via-codewhisperer"],
    )

    def __init__(self, key: str = KEY):
        self.api = Anthropic(base_url=URL, api_key=key, max_retries=0)

    def talk(self, text: str, *, system: str | None = None, history=(), image=None) -> Talk:
        turns = [{"role": role, "content": said} for role, said in zip(("user", "assistant") * len(history), history)]
        content = [{"type": "text", "text": text}]
        if image:
            source = {"type": "base64", "media_type": image["mime"], "data": image["base64"]}
            content.insert(0, {"type": "image", "source": source})
        return Talk(turns + [{"role": "user", "content": content}], system)

    def follow(self, talk: Talk, reply: Reply, *, text: str | None = None, results=()) -> Talk:
        calls = [block for block in reply.native if block.type == "tool_use"]
        content = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, (_, result) in zip(calls, results)
        ]
        if text:
            content.append({"type": "text", "text": text})
        answered = {"role": "assistant", "content": reply.native}
        return Talk([*talk.turns, answered, {"role": "user", "content": content}], talk.system)

    def _request(self, model: str, talk: Talk) -> dict:
        request = {"model": model, "messages": talk.turns}
        return {**request, "system": talk.system} if talk.system else request

    def ask(self, model: str, talk: Talk, *, tools=(), think=False, stream=False, schema=None, more=None) -> Reply:
        request = {**self._request(model, talk), "max_tokens": 8000, **(more or {})}
        if tools:
            request["tools"] = [
                {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
                for tool in tools
            ]
        if think:
            request["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if schema:
            request["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        if stream:
            return self._streamed(request)
        raw = self.api.messages.with_raw_response.create(**request)
        return self._reply(raw.parse(), raw.headers)

    def _streamed(self, request: dict) -> Reply:
        seen: dict[str, int] = {}
        with self.api.messages.stream(**request) as events:
            for event in events:
                seen[event.type] = seen.get(event.type, 0) + 1
            reply = self._reply(events.get_final_message(), None)
        reply.texts, reply.thoughts = seen.get("text", 0), seen.get("thinking", 0)
        reply.arguments = seen.get("input_json", 0)
        return reply

    def _reply(self, message, headers) -> Reply:
        holds(f"the id {message.id!r} is Anthropic's", message.id.startswith("msg_"))
        reply = Reply(native=message.content, headers=headers)
        reply.stop = STOPS.get(message.stop_reason, message.stop_reason)
        for block in message.content:
            if block.type == "text":
                reply.text += block.text
            elif block.type == "thinking":
                reply.thinking += block.thinking
            elif block.type == "tool_use":
                reply.calls.append((block.name, block.input))
        usage = message.usage
        details = usage.output_tokens_details
        written, read = usage.cache_creation_input_tokens or 0, usage.cache_read_input_tokens or 0
        # Cached tokens are not among the input's.
        prompt = usage.input_tokens + read + written
        reply.usage = Usage(prompt, read, usage.output_tokens, details and details.thinking_tokens)
        return reply

    def bad_request(self, model: str) -> None:
        self.api.messages.create(model=model, max_tokens=100, messages=[{"role": "robot", "content": "hello"}])

    bad_field = "role"

    def too_long(self, error: Fault) -> None:
        # Claude Code compacts a conversation when it reads this.
        holds(f"it begins as Anthropic's does: {error.message!r}", error.message.startswith("prompt is too long"))

    def start_stream(self, model: str):
        messages = [{"role": "user", "content": "hello"}]
        events = self.api.messages.create(model=model, max_tokens=100, messages=messages, stream=True)
        for event in events:
            if event.type == "content_block_delta":
                return events.close

    def models(self) -> list[str]:
        names = [model.id for model in self.api.models.list()]
        same("one model", self.api.models.retrieve(names[0]).id, names[0])
        return names

    def count(self, model: str, talk: Talk) -> int:
        return self.api.messages.count_tokens(**self._request(model, talk)).input_tokens

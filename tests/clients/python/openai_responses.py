"""The package openai: the Responses API, used without a store, as with zero data retention."""

import json

from openai import OpenAI

from openai_chat import fault
from world import KEY, URL, Fault, Reply, Talk, Usage, holds, same

WHY = {"max_output_tokens": "length", "content_filter": "filter"}


class Responses:
    name = "responses"
    request_id = "x-request-id"
    fault = staticmethod(fault)

    OTHERS = ["via-compatible", "via-anthropic", "via-gemini", "via-bedrock", "via-codewhisperer"]
    unsupported = ({"previous_response_id": "resp_1"}, "previous_response_id", OTHERS)
    dropped = ({"truncation": "auto"}, "truncation", OTHERS)

    def __init__(self, key: str = KEY):
        self.api = OpenAI(base_url=f"{URL}/v1", api_key=key, max_retries=0)

    def talk(self, text: str, *, system: str | None = None, history=(), image=None) -> Talk:
        turns = [{"role": role, "content": said} for role, said in zip(("user", "assistant") * len(history), history)]
        content = [{"type": "input_text", "text": text}]
        if image:
            url = f"data:{image['mime']};base64,{image['base64']}"
            content.append({"type": "input_image", "image_url": url, "detail": "auto"})
        return Talk(turns + [{"role": "user", "content": content}], system)

    def follow(self, talk: Talk, reply: Reply, *, text: str | None = None, results=()) -> Talk:
        turns = [*talk.turns, *reply.native]
        calls = [item for item in reply.native if item.type == "function_call"]
        for call, (_, result) in zip(calls, results):
            turns.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
        return Talk(turns + ([{"role": "user", "content": text}] if text else []), talk.system)

    def ask(self, model: str, talk: Talk, *, tools=(), think=False, stream=False, schema=None, more=None) -> Reply:
        request = {"model": model, "input": talk.turns, "store": False, **(more or {})}
        if talk.system:
            request["instructions"] = talk.system
        if tools:
            request["tools"] = [{"type": "function", "strict": False, **tool} for tool in tools]
        if think:
            request["reasoning"] = {"effort": "medium", "summary": "auto"}
            request["include"] = ["reasoning.encrypted_content"]
        if schema:
            request["text"] = {"format": {"type": "json_schema", "name": "place", "schema": schema, "strict": True}}
        if stream:
            return self._streamed(request)
        raw = self.api.responses.with_raw_response.create(**request)
        return self._reply(raw.parse(), raw.headers)

    def _streamed(self, request: dict) -> Reply:
        seen: dict[str, int] = {}
        last = None
        with self.api.responses.stream(**request) as events:
            for number, event in enumerate(events):
                same("sequence_number", event.sequence_number, number)
                seen[event.type] = seen.get(event.type, 0) + 1
                last = event
            # The helper raises at any other end; what it has put together it gives for `response.completed` alone.
            incomplete = last.type == "response.incomplete"
            reply = self._reply(last.response if incomplete else events.get_final_response(), None)
        reply.texts = seen.get("response.output_text.delta", 0)
        reply.thoughts = seen.get("response.reasoning_summary_text.delta", 0)
        reply.arguments = seen.get("response.function_call_arguments.delta", 0)
        return reply

    def _reply(self, response, headers) -> Reply:
        holds(f"the id {response.id!r} is OpenAI's", response.id.startswith("resp_"))
        reply = Reply(native=response.output, text=response.output_text, headers=headers)
        for item in response.output:
            if item.type == "function_call":
                reply.calls.append((item.name, json.loads(item.arguments)))
            elif item.type == "reasoning":
                reply.thinking += "".join(part.text for part in item.summary)
        reply.stop = "tools" if reply.calls else "end"
        if response.status == "incomplete":
            reply.stop = WHY.get(response.incomplete_details.reason, response.incomplete_details.reason)
        else:
            same("status", response.status, "completed")
        usage = response.usage
        same("total tokens", usage.total_tokens, usage.input_tokens + usage.output_tokens)
        reply.usage = Usage(
            usage.input_tokens,
            usage.input_tokens_details.cached_tokens,
            usage.output_tokens,
            usage.output_tokens_details.reasoning_tokens,
        )
        return reply

    def bad_request(self, model: str) -> None:
        self.api.responses.create(model=model, input=[{"role": "robot", "content": "hello"}])

    bad_field = "input[0]"

    def too_long(self, error: Fault) -> None:
        same("code", error.code, "context_length_exceeded")

    def start_stream(self, model: str):
        events = self.api.responses.create(model=model, input="hello", stream=True)
        for event in events:
            if event.type == "response.output_text.delta":
                return events.close

    def models(self) -> list[str]:
        return [model.id for model in self.api.models.list()]

"""The package google-genai: generateContent."""

import base64

from google import genai
from google.genai import errors, types

from world import KEY, URL, Fault, Reply, Talk, Usage, holds, same

STOPS = {"STOP": "end", "MAX_TOKENS": "length", "SAFETY": "filter", "PROHIBITED_CONTENT": "filter"}
# The SDK has two classes, and the rest is in the code.
KINDS = {401: "authentication", 404: "not_found", 400: "bad_request", 429: "rate_limit"}


def fault(error: Exception) -> Fault:
    status = getattr(error, "code", None)
    kind = KINDS.get(status) if isinstance(error, errors.ClientError) else None
    return Fault(
        kind=kind or type(error).__name__,
        status=status,
        message=getattr(error, "message", None) or str(error),
        said=str(error),
        headers=getattr(getattr(error, "response", None), "headers", {}),
        code=getattr(error, "status", None),
    )


class Generate:
    name = "generate"
    request_id = None
    fault = staticmethod(fault)

    OTHERS = ["via-openai", "via-compatible", "via-responses", "via-azure", "via-anthropic", "via-bedrock", "via-codewhisperer"]
    unsupported = ({"candidate_count": 2}, "candidateCount", OTHERS)
    dropped = (
        {"top_k": 5},
        "topK",
        ["via-openai", "via-compatible", "via-responses", "via-azure", "via-codewhisperer"],
    )

    def __init__(self, key: str = KEY):
        options = types.HttpOptions(base_url=URL, retry_options=types.HttpRetryOptions(attempts=1))
        self.api = genai.Client(api_key=key, http_options=options)

    def talk(self, text: str, *, system: str | None = None, history=(), image=None) -> Talk:
        turns = [
            types.Content(role=role, parts=[types.Part(text=said)])
            for role, said in zip(("user", "model") * len(history), history)
        ]
        parts = [types.Part(text=text)]
        if image:
            parts.append(types.Part.from_bytes(data=base64.b64decode(image["base64"]), mime_type=image["mime"]))
        return Talk([*turns, types.Content(role="user", parts=parts)], system)

    def follow(self, talk: Talk, reply: Reply, *, text: str | None = None, results=()) -> Talk:
        calls = [part.function_call for part in reply.native.parts if part.function_call]
        parts = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": result})
            )
            for call, (_, result) in zip(calls, results)
        ]
        if text:
            parts.append(types.Part(text=text))
        return Talk([*talk.turns, reply.native, types.Content(role="user", parts=parts)], talk.system)

    def ask(self, model: str, talk: Talk, *, tools=(), think=False, stream=False, schema=None, more=None) -> Reply:
        config = types.GenerateContentConfig(system_instruction=talk.system, **(more or {}))
        if tools:
            declared = [
                types.FunctionDeclaration(
                    name=tool["name"], description=tool["description"], parameters_json_schema=tool["parameters"]
                )
                for tool in tools
            ]
            config.tools = [types.Tool(function_declarations=declared)]
        if think:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
        if schema:
            config.response_mime_type, config.response_json_schema = "application/json", schema
        request = {"model": model, "contents": talk.turns, "config": config}
        if stream:
            return self._streamed(request)
        whole = self.api.models.generate_content(**request)
        return self._reply(whole, whole.candidates[0].content, whole.sdk_http_response.headers)

    def _streamed(self, request: dict) -> Reply:
        """The SDK puts nothing together: an application keeps the parts as they come."""
        parts, last = [], None
        for chunk in self.api.models.generate_content_stream(**request):
            content = chunk.candidates[0].content if chunk.candidates else None
            parts += (content and content.parts) or []
            last = chunk
        reply = self._reply(last, types.Content(role="model", parts=parts), None)
        reply.texts = sum(bool(part.text) and not part.thought for part in parts)
        reply.thoughts = sum(bool(part.text and part.thought) for part in parts)
        return reply

    def _reply(self, last, content, headers) -> Reply:
        holds("there is an id", last.response_id)
        reply = Reply(native=content, headers=headers)
        for part in (content and content.parts) or []:
            if part.function_call:
                reply.calls.append((part.function_call.name, part.function_call.args))
            elif part.thought:
                reply.thinking += part.text or ""
            else:
                reply.text += part.text or ""
        reason = last.candidates[0].finish_reason if last.candidates else last.prompt_feedback.block_reason
        reply.stop = STOPS.get(reason.value, reason.value)
        # There is no reason of its own for calls.
        if reply.calls and reply.stop == "end":
            reply.stop = "tools"
        usage = last.usage_metadata
        thought, said = usage.thoughts_token_count or 0, usage.candidates_token_count or 0
        same("total tokens", usage.total_token_count, usage.prompt_token_count + said + thought)
        reply.usage = Usage(usage.prompt_token_count, usage.cached_content_token_count, said + thought, thought)
        return reply

    def bad_request(self, model: str) -> None:
        contents = [types.Content(role="robot", parts=[types.Part(text="hello")])]
        self.api.models.generate_content(model=model, contents=contents)

    bad_field = "role"

    def too_long(self, error: Fault) -> None:
        same("status", error.code, "INVALID_ARGUMENT")
        holds(f"it says so: {error.message!r}", "exceeds the maximum number of tokens" in error.message)

    def start_stream(self, model: str):
        events = self.api.models.generate_content_stream(model=model, contents="hello")
        for event in events:
            if event.text:
                return events.close

    def models(self) -> list[str]:
        names = [model.name.removeprefix("models/") for model in self.api.models.list()]
        same("one model", self.api.models.get(model=names[0]).name, f"models/{names[0]}")
        return names

    def embeds(self, model: str) -> bool:
        return model == "via-gemini"  # no other provider's call has the form

    def embedding(self, model: str) -> None:
        # Bare strings would be parts of one content.
        contents = [types.Content(parts=[types.Part(text=text)]) for text in ("one", "two")]
        found = self.api.models.embed_content(model=model, contents=contents).embeddings
        holds("two inputs, two vectors", len(found) == 2 and found[0].values != found[1].values)

    def count(self, model: str, talk: Talk) -> int:
        return self.api.models.count_tokens(model=model, contents=talk.turns).total_tokens

// The package openai: chat completions, the legacy completions, embeddings.

import OpenAI from "openai";

import { KEY, SHARED, URL_BASE, alternate, holds, reply, same, told } from "./world.js";

const STOPS = { stop: "end", tool_calls: "tools", length: "length", content_filter: "filter" };
const KINDS = new Map([
  [OpenAI.AuthenticationError, "authentication"],
  [OpenAI.NotFoundError, "not_found"],
  [OpenAI.BadRequestError, "bad_request"],
  [OpenAI.RateLimitError, "rate_limit"],
]);

/** An exception as the SDK classed it; `said` is all that it says, the field at fault included. */
export function fault(error) {
  return {
    kind: KINDS.get(error.constructor) ?? error.constructor.name,
    message: error.error?.message ?? error.message,
    said: `${error.message} ${error.param}`,
    headers: error.headers,
    code: error.code,
  };
}

/** An answer as it goes back. What the stream's helper has parsed for the application is not OpenAI's. */
export function said(native) {
  const parsed = ["parsed", "parsed_arguments"];
  return JSON.parse(JSON.stringify(native, (name, value) => (parsed.includes(name) ? undefined : value)));
}

export class Chat {
  name = "chat";
  requestId = "x-request-id";
  fault = fault;
  badField = "role";

  // Where it cannot be carried, and what names it.
  unsupported = [{ n: 2 }, "n", ["via-responses", "via-anthropic", "via-gemini", "via-bedrock", "via-codewhisperer"]];
  dropped = [{ seed: 7 }, "seed", ["via-responses", "via-anthropic", "via-bedrock", "via-codewhisperer"]];

  constructor(key = KEY) {
    this.api = new OpenAI({ baseURL: `${URL_BASE}/v1`, apiKey: key, maxRetries: 0 });
  }

  talk(text, { system, history = [], image } = {}) {
    const turns = system ? [{ role: "system", content: system }] : [];
    turns.push(...alternate(["user", "assistant"], history, (role, content) => ({ role, content })));
    const url = image && `data:${image.mime};base64,${image.base64}`;
    const content = image ? [{ type: "text", text }, { type: "image_url", image_url: { url } }] : text;
    return { turns: [...turns, { role: "user", content }] };
  }

  follow(talk, { native }, { text, results = [] }) {
    const turns = [...talk.turns, native];
    results.forEach(([, content], index) => {
      turns.push({ role: "tool", tool_call_id: native.tool_calls[index].id, content });
    });
    return { turns: text ? [...turns, { role: "user", content: text }] : turns };
  }

  async ask(model, talk, { tools, think, stream, schema, more } = {}) {
    const request = { model, messages: talk.turns, ...more };
    if (tools) request.tools = tools.map((tool) => ({ type: "function", function: tool }));
    if (think) request.reasoning_effort = "medium";
    if (schema) {
      request.response_format = { type: "json_schema", json_schema: { name: "place", schema, strict: true } };
    }
    if (stream) return this.#streamed(request);
    const { data, response } = await this.api.chat.completions.create(request).withResponse();
    return this.#reply(data, response.headers);
  }

  async #streamed(request) {
    const stream = this.api.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
    const seen = { texts: 0, thoughts: 0, arguments: 0, thinking: "" };
    for await (const chunk of stream) {
      const delta = chunk.choices[0]?.delta ?? {};
      seen.texts += Boolean(delta.content);
      seen.arguments += Boolean(delta.tool_calls?.[0].function?.arguments);
      // Of fields that it does not know the helper keeps the last piece alone; an application that shows thinking adds them up.
      seen.thoughts += Boolean(delta.reasoning_content);
      seen.thinking += delta.reasoning_content ?? "";
    }
    const final = this.#reply(await stream.finalChatCompletion());
    return { ...final, ...seen, native: said(final.native) };
  }

  #reply(completion, headers) {
    holds(`the id ${completion.id} is OpenAI's`, completion.id.startsWith("chatcmpl-"));
    same("choices", completion.choices.length, 1);
    const [{ message, finish_reason: reason }] = completion.choices;
    const { usage } = completion;
    same("total tokens", usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    return reply(message, {
      text: message.content ?? "",
      stop: STOPS[reason] ?? reason,
      calls: (message.tool_calls ?? []).map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
      thinking: message.reasoning_content ?? "",
      usage: {
        prompt: usage.prompt_tokens,
        cached: usage.prompt_tokens_details?.cached_tokens,
        output: usage.completion_tokens,
        reasoning: usage.completion_tokens_details?.reasoning_tokens ?? 0,
      },
      headers,
    });
  }

  badRequest(model) {
    return this.api.chat.completions.create({ model, messages: [{ role: "robot", content: "hello" }] });
  }

  tooLong(error) {
    same("code", error.code, "context_length_exceeded");
  }

  /** Waits for a piece of a stream, and lets go of it; before it does, calls `meanwhile`. */
  async abandon(model, meanwhile) {
    const messages = [{ role: "user", content: "hello" }];
    const stream = await this.api.chat.completions.create({ model, messages, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) {
        await meanwhile();
        break;
      }
    }
  }

  async models() {
    const names = [];
    for await (const { id } of this.api.models.list()) names.push(id);
    same("one model", (await this.api.models.retrieve(names[0])).id, names[0]);
    return names;
  }

  async completion(model, stream) {
    const request = { model, prompt: "Is the line clear?" };
    if (!stream) {
      const whole = await this.api.completions.create(request);
      same("text", whole.choices[0].text, SHARED.prose);
      same("finish_reason", whole.choices[0].finish_reason, "stop");
      same("usage", [whole.usage.prompt_tokens, whole.usage.completion_tokens], [30, 12]);
      return;
    }
    const chunks = [];
    const options = { stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await this.api.completions.create({ ...request, ...options })) chunks.push(chunk);
    const texts = chunks.map((chunk) => chunk.choices[0]?.text).filter(Boolean);
    same("text", texts.join(""), SHARED.prose);
    holds(`several events, not ${texts.length}`, texts.length > 1);
    same("finish_reason", chunks.map((chunk) => chunk.choices[0]?.finish_reason).filter(Boolean), ["stop"]);
    same("usage at the end", chunks.at(-1).usage?.total_tokens, 42);
  }

  embeds(model) {
    return !told(model, "embeds_not");
  }

  async embedding(model) {
    // The SDK asks for base64 unless told otherwise.
    const packed = await this.api.embeddings.create({ model, input: ["one", "two"] });
    const plain = await this.api.embeddings.create({ model, input: ["one", "two"], encoding_format: "float" });
    same("order", packed.data.map(({ index }) => index), [0, 1]);
    packed.data.forEach(({ embedding }, index) => {
      const other = plain.data[index].embedding;
      const close = embedding.every((value, place) => Math.abs(value - other[place]) < 1e-6);
      holds("base64 and decimals say the same", close && embedding.length === other.length && other.length > 1);
    });
    holds("two inputs, two vectors", packed.data[0].embedding[0] !== packed.data[1].embedding[0]);
    holds("usage", packed.usage.prompt_tokens > 0);
  }
}

// The package @anthropic-ai/sdk: messages.

import Anthropic from "@anthropic-ai/sdk";

import { KEY, URL_BASE, alternate, holds, reply, same } from "./world.js";

const STOPS = { end_turn: "end", tool_use: "tools", max_tokens: "length", refusal: "filter" };
const KINDS = new Map([
  [Anthropic.AuthenticationError, "authentication"],
  [Anthropic.NotFoundError, "not_found"],
  [Anthropic.BadRequestError, "bad_request"],
  [Anthropic.RateLimitError, "rate_limit"],
]);

export class Messages {
  name = "messages";
  requestId = "request-id";
  badField = "role";

  unsupported = [
    { tools: [{ type: "web_search_20250305", name: "web_search" }] },
    "tools",
    ["via-openai", "via-compatible", "via-responses", "via-azure", "via-gemini", "via-bedrock", "via-codewhisperer"],
  ];
  dropped = [
    { top_k: 5 },
    "top_k",
    ["via-openai", "via-compatible", "via-responses", "via-azure", "via-codewhisperer"],
  ];

  constructor(key = KEY) {
    this.api = new Anthropic({ baseURL: URL_BASE, apiKey: key, maxRetries: 0 });
  }

  fault(error) {
    return {
      kind: KINDS.get(error.constructor) ?? error.constructor.name,
      message: error.error?.error?.message ?? error.message,
      said: error.message,
      headers: error.headers,
    };
  }

  talk(text, { system, history = [], image } = {}) {
    const turns = alternate(["user", "assistant"], history, (role, content) => ({ role, content }));
    const content = [{ type: "text", text }];
    if (image) {
      const source = { type: "base64", media_type: image.mime, data: image.base64 };
      content.unshift({ type: "image", source });
    }
    return { turns: [...turns, { role: "user", content }], system };
  }

  follow({ turns, system }, { native }, { text, results = [] }) {
    const calls = native.filter((block) => block.type === "tool_use");
    const content = results.map(([, result], index) => {
      return { type: "tool_result", tool_use_id: calls[index].id, content: result };
    });
    if (text) content.push({ type: "text", text });
    return { turns: [...turns, { role: "assistant", content: native }, { role: "user", content }], system };
  }

  async ask(model, { turns, system }, { tools, think, stream, schema, more } = {}) {
    const request = { model, messages: turns, max_tokens: 8000, ...more };
    if (system) request.system = system;
    if (tools) {
      request.tools = tools.map(({ name, description, parameters }) => {
        return { name, description, input_schema: parameters };
      });
    }
    if (think) request.thinking = { type: "enabled", budget_tokens: 2048 };
    if (schema) request.output_config = { format: { type: "json_schema", schema } };
    if (stream) return this.#streamed(request);
    const { data, response } = await this.api.messages.create(request).withResponse();
    return this.#reply(data, response.headers);
  }

  async #streamed(request) {
    const stream = this.api.messages.stream(request);
    const seen = {};
    for await (const event of stream) {
      const kind = event.delta?.type;
      if (kind) seen[kind] = (seen[kind] ?? 0) + 1;
    }
    return {
      ...this.#reply(await stream.finalMessage()),
      texts: seen.text_delta ?? 0,
      thoughts: seen.thinking_delta ?? 0,
      arguments: seen.input_json_delta ?? 0,
    };
  }

  #reply(message, headers) {
    holds(`the id ${message.id} is Anthropic's`, message.id.startsWith("msg_"));
    const of = (type) => message.content.filter((block) => block.type === type);
    const { usage } = message;
    const cached = usage.cache_read_input_tokens ?? 0;
    return reply(message.content, {
      text: of("text").map((block) => block.text).join(""),
      stop: STOPS[message.stop_reason] ?? message.stop_reason,
      calls: of("tool_use").map((block) => [block.name, block.input]),
      thinking: of("thinking").map((block) => block.thinking).join(""),
      usage: {
        // Cached tokens are not among the input's.
        prompt: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
        cached,
        output: usage.output_tokens,
        reasoning: usage.output_tokens_details?.thinking_tokens ?? 0,
      },
      headers,
    });
  }

  badRequest(model) {
    return this.api.messages.create({ model, max_tokens: 100, messages: [{ role: "robot", content: "hello" }] });
  }

  tooLong(error) {
    // Claude Code compacts a conversation when it reads this.
    holds(`it begins as Anthropic's does: ${error.message}`, error.message.startsWith("prompt is too long"));
  }

  async abandon(model, meanwhile) {
    const messages = [{ role: "user", content: "hello" }];
    const stream = await this.api.messages.create({ model, max_tokens: 100, messages, stream: true });
    for await (const event of stream) {
      if (event.type === "content_block_delta") {
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

  async count(model, { turns }) {
    return (await this.api.messages.countTokens({ model, messages: turns })).input_tokens;
  }
}

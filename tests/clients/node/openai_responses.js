// The package openai: the Responses API, used without a store, as with zero data retention.

import OpenAI from "openai";

import { fault, said } from "./openai_chat.js";
import { KEY, URL_BASE, alternate, holds, reply, same } from "./world.js";

const WHY = { max_output_tokens: "length", content_filter: "filter" };
const OTHERS = ["via-compatible", "via-anthropic", "via-gemini", "via-bedrock", "via-codewhisperer"];

export class Responses {
  name = "responses";
  requestId = "x-request-id";
  fault = fault;
  badField = "input[0]";

  unsupported = [{ previous_response_id: "resp_1" }, "previous_response_id", OTHERS];
  dropped = [{ truncation: "auto" }, "truncation", OTHERS];

  constructor(key = KEY) {
    this.api = new OpenAI({ baseURL: `${URL_BASE}/v1`, apiKey: key, maxRetries: 0 });
  }

  talk(text, { system, history = [], image } = {}) {
    const turns = alternate(["user", "assistant"], history, (role, content) => ({ role, content }));
    const content = [{ type: "input_text", text }];
    if (image) {
      content.push({ type: "input_image", image_url: `data:${image.mime};base64,${image.base64}`, detail: "auto" });
    }
    return { turns: [...turns, { role: "user", content }], system };
  }

  follow({ turns, system }, { native }, { text, results = [] }) {
    const calls = native.filter((item) => item.type === "function_call");
    const outputs = results.map(([, output], index) => {
      return { type: "function_call_output", call_id: calls[index].call_id, output };
    });
    const next = text ? [{ role: "user", content: text }] : [];
    return { turns: [...turns, ...native, ...outputs, ...next], system };
  }

  async ask(model, { turns, system }, { tools, think, stream, schema, more } = {}) {
    const request = { model, input: turns, store: false, ...more };
    if (system) request.instructions = system;
    if (tools) request.tools = tools.map((tool) => ({ type: "function", strict: false, ...tool }));
    if (think) {
      request.reasoning = { effort: "medium", summary: "auto" };
      request.include = ["reasoning.encrypted_content"];
    }
    if (schema) request.text = { format: { type: "json_schema", name: "place", schema, strict: true } };
    if (stream) return this.#streamed(request);
    const { data, response } = await this.api.responses.create(request).withResponse();
    return this.#reply(data, response.headers);
  }

  async #streamed(request) {
    const stream = this.api.responses.stream(request);
    const seen = {};
    let number = 0;
    for await (const event of stream) {
      same("sequence_number", event.sequence_number, number++);
      seen[event.type] = (seen[event.type] ?? 0) + 1;
    }
    const final = this.#reply(await stream.finalResponse());
    return {
      ...final,
      native: said(final.native),
      texts: seen["response.output_text.delta"] ?? 0,
      thoughts: seen["response.reasoning_summary_text.delta"] ?? 0,
      arguments: seen["response.function_call_arguments.delta"] ?? 0,
    };
  }

  #reply(response, headers) {
    holds(`the id ${response.id} is OpenAI's`, response.id.startsWith("resp_"));
    const { output, usage } = response;
    const of = (type) => output.filter((item) => item.type === type);
    const calls = of("function_call").map((item) => [item.name, JSON.parse(item.arguments)]);
    let stop = calls.length ? "tools" : "end";
    if (response.status === "incomplete") {
      const { reason } = response.incomplete_details;
      stop = WHY[reason] ?? reason;
    } else {
      same("status", response.status, "completed");
    }
    same("total tokens", usage.total_tokens, usage.input_tokens + usage.output_tokens);
    return reply(output, {
      text: response.output_text,
      stop,
      calls,
      thinking: of("reasoning").flatMap((item) => item.summary.map((part) => part.text)).join(""),
      usage: {
        prompt: usage.input_tokens,
        cached: usage.input_tokens_details.cached_tokens,
        output: usage.output_tokens,
        reasoning: usage.output_tokens_details.reasoning_tokens,
      },
      headers,
    });
  }

  badRequest(model) {
    return this.api.responses.create({ model, input: [{ role: "robot", content: "hello" }] });
  }

  tooLong(error) {
    same("code", error.code, "context_length_exceeded");
  }

  async abandon(model, meanwhile) {
    for await (const event of await this.api.responses.create({ model, input: "hello", stream: true })) {
      if (event.type === "response.output_text.delta") {
        await meanwhile();
        break;
      }
    }
  }

  async models() {
    const names = [];
    for await (const { id } of this.api.models.list()) names.push(id);
    return names;
  }
}

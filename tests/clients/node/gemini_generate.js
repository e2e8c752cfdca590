// The package @google/genai: generateContent.

import { ApiError, GoogleGenAI } from "@google/genai";

import { KEY, URL_BASE, alternate, holds, reply, same } from "./world.js";

const STOPS = { STOP: "end", MAX_TOKENS: "length", SAFETY: "filter", PROHIBITED_CONTENT: "filter" };
// The SDK has one class, and the rest is in the status.
const KINDS = { 401: "authentication", 404: "not_found", 400: "bad_request", 429: "rate_limit" };
const OTHERS = [
  "via-openai", "via-compatible", "via-responses", "via-azure", "via-anthropic", "via-bedrock", "via-codewhisperer",
];

export class Generate {
  name = "generate";
  requestId = null;
  badField = "role";

  unsupported = [{ candidateCount: 2 }, "candidateCount", OTHERS];
  dropped = [
    { topK: 5 },
    "topK",
    ["via-openai", "via-compatible", "via-responses", "via-azure", "via-codewhisperer"],
  ];

  constructor(key = KEY) {
    const httpOptions = { baseUrl: URL_BASE, retryOptions: { attempts: 1 } };
    this.api = new GoogleGenAI({ apiKey: key, httpOptions });
  }

  /** The body is in the message, and headers are nowhere. */
  fault(error) {
    const told = error instanceof ApiError ? body(error.message) : null;
    return {
      kind: (told && KINDS[error.status]) ?? error.constructor.name,
      message: told?.message ?? error.message,
      said: error.message,
      headers: null,
      code: told?.status,
    };
  }

  talk(text, { system, history = [], image } = {}) {
    const turns = alternate(["user", "model"], history, (role, said) => ({ role, parts: [{ text: said }] }));
    const parts = [{ text }];
    if (image) parts.push({ inlineData: { mimeType: image.mime, data: image.base64 } });
    return { turns: [...turns, { role: "user", parts }], system };
  }

  follow({ turns, system }, { native }, { text, results = [] }) {
    const calls = native.parts.map((part) => part.functionCall).filter(Boolean);
    const parts = results.map(([, output], index) => {
      const { id, name } = calls[index];
      return { functionResponse: { id, name, response: { output } } };
    });
    if (text) parts.push({ text });
    return { turns: [...turns, native, { role: "user", parts }], system };
  }

  async ask(model, { turns, system }, { tools, think, stream, schema, more } = {}) {
    const config = { systemInstruction: system, ...more };
    if (tools) {
      const functionDeclarations = tools.map(({ name, description, parameters }) => {
        return { name, description, parametersJsonSchema: parameters };
      });
      config.tools = [{ functionDeclarations }];
    }
    if (think) config.thinkingConfig = { includeThoughts: true, thinkingBudget: 2048 };
    if (schema) Object.assign(config, { responseMimeType: "application/json", responseJsonSchema: schema });
    const request = { model, contents: turns, config };
    if (stream) return this.#streamed(request);
    const whole = await this.api.models.generateContent(request);
    return this.#reply(whole, whole.candidates[0].content, new Headers(whole.sdkHttpResponse.headers));
  }

  /** The SDK puts nothing together: an application keeps the parts as they come. */
  async #streamed(request) {
    const parts = [];
    let last;
    for await (const chunk of await this.api.models.generateContentStream(request)) {
      parts.push(...(chunk.candidates?.[0].content?.parts ?? []));
      last = chunk;
    }
    return {
      ...this.#reply(last, { role: "model", parts }),
      texts: parts.filter((part) => part.text && !part.thought).length,
      thoughts: parts.filter((part) => part.text && part.thought).length,
    };
  }

  #reply(last, content, headers) {
    holds("there is an id", last.responseId);
    const parts = content?.parts ?? [];
    const calls = parts.filter((part) => part.functionCall).map(({ functionCall: { name, args } }) => [name, args]);
    const text = (thought) => {
      return parts.filter((part) => part.text && Boolean(part.thought) === thought).map((part) => part.text).join("");
    };
    const reason = last.candidates?.[0].finishReason ?? last.promptFeedback.blockReason;
    let stop = STOPS[reason] ?? reason;
    // There is no reason of its own for calls.
    if (calls.length && stop === "end") stop = "tools";
    const { promptTokenCount, cachedContentTokenCount, candidatesTokenCount = 0, thoughtsTokenCount = 0, totalTokenCount } =
      last.usageMetadata;
    same("total tokens", totalTokenCount, promptTokenCount + candidatesTokenCount + thoughtsTokenCount);
    return reply(content, {
      text: text(false),
      stop,
      calls,
      thinking: text(true),
      usage: {
        prompt: promptTokenCount,
        cached: cachedContentTokenCount,
        output: candidatesTokenCount + thoughtsTokenCount,
        reasoning: thoughtsTokenCount,
      },
      headers,
    });
  }

  badRequest(model) {
    return this.api.models.generateContent({ model, contents: [{ role: "robot", parts: [{ text: "hello" }] }] });
  }

  tooLong(error) {
    same("status", error.code, "INVALID_ARGUMENT");
    holds(`it says so: ${error.message}`, error.message.includes("exceeds the maximum number of tokens"));
  }

  async abandon(model, meanwhile) {
    const abort = new AbortController();
    const request = { model, contents: "hello", config: { abortSignal: abort.signal } };
    for await (const chunk of await this.api.models.generateContentStream(request)) {
      if (chunk.text) {
        await meanwhile();
        abort.abort();
        break;
      }
    }
  }

  async models() {
    const names = [];
    for await (const { name } of await this.api.models.list()) names.push(name.replace(/^models\//, ""));
    same("one model", (await this.api.models.get({ model: names[0] })).name, `models/${names[0]}`);
    return names;
  }

  async count(model, { turns }) {
    return (await this.api.models.countTokens({ model, contents: turns })).totalTokens;
  }

  embeds(model) {
    return model === "via-gemini"; // no other provider's call has the form
  }

  async embedding(model) {
    const { embeddings } = await this.api.models.embedContent({ model, contents: ["one", "two"] });
    same("vectors", embeddings.length, 2);
    holds("two inputs, two vectors", embeddings[0].values[0] !== embeddings[1].values[0]);
  }
}

/** The error of a body; none if it is no error of Google's. */
function body(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return null;
  }
}

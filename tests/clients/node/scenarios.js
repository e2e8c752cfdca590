// What is tried with every client; the names and expectations are those of ../python/scenarios.py. A scenario that is no
// client's business says so with `NotForIt`.
//
// The fake provider does what the last turn's lines tell it: `call:NAME {arguments}`, `think`, `length`, `say TEXT`
// (tests/src/say.rs).

import { Fake, MODELS, SHARED, Wrong, holds, same, told } from "./world.js";

const { prose, thought, tools: TOOLS, weather, time, system, history } = SHARED;
const CALL_WEATHER = `call:get_weather ${JSON.stringify(weather.arguments)}`;
const CALL_TIME = `call:get_time ${JSON.stringify(time.arguments)}`;
const CALLED_WEATHER = ["get_weather", weather.arguments];
const CALLED_TIME = ["get_time", time.arguments];
const RESULTS = [["get_weather", weather.result], ["get_time", time.result]];
const BOTH_RESULTS = `result get_weather: ${weather.result}\nresult get_time: ${time.result}`;
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};
// Of the last turn, so that the Rust test finds the upstream's requests that must hold the prompt and the history too.
const WITH_PROMPT = "with-prompt";

/** This client or this model has nothing of the kind. */
export class NotForIt extends Error {}

/** Where it passes, it reaches the upstream as it is, and must. */
export const VIOLATES = ["bad_request"];

function usage(model, thinks) {
  const { prompt, cached, output, reasoning } = SHARED.usage;
  return { prompt, cached, output, reasoning: thinks && !told(model, "reasoning_untold") ? reasoning : 0 };
}

function expect(reply, model, { text, stop = "end", calls = [], thinks = false }) {
  same("text", reply.text, text);
  same("stop", reply.stop, stop);
  same("calls", reply.calls, calls);
  same("thinking", reply.thinking, thinks ? thought : "");
  same("usage", reply.usage, usage(model, thinks));
}

async function caught(client, action) {
  try {
    await action();
  } catch (error) {
    // Our own mistakes are not what was waited for. (What fetch throws of a broken connection is a TypeError too.)
    if (error instanceof Wrong || (error instanceof TypeError && !error.cause && error.message !== "terminated")) {
      throw error;
    }
    return client.fault(error);
  }
  throw new Wrong("nothing was raised");
}

/** A prompt, a history, a call beside words, its result, and the conversation goes on. */
async function toolLoop(client, model, stream) {
  let talk = client.talk(`${WITH_PROMPT}\nsay Looking.\n${CALL_WEATHER}`, { system, history });
  let reply = await client.ask(model, talk, { tools: TOOLS, stream });
  expect(reply, model, { text: "Looking.", stop: "tools", calls: [CALLED_WEATHER] });
  if (stream && !(told(model, "arguments_whole") || client.name === "generate")) {
    holds(`arguments in several events, not ${reply.arguments}`, reply.arguments >= 2);
  }
  talk = client.follow(talk, reply, { results: RESULTS.slice(0, 1) });
  reply = await client.ask(model, talk, { tools: TOOLS, stream });
  expect(reply, model, { text: `result get_weather: ${weather.result}` });
  talk = client.follow(talk, reply, { text: "say You are welcome." });
  expect(await client.ask(model, talk, { tools: TOOLS, stream }), model, { text: "You are welcome." });
}

async function parallelCalls(client, model, stream) {
  let talk = client.talk(`${CALL_WEATHER}\n${CALL_TIME}`, { system });
  const reply = await client.ask(model, talk, { tools: TOOLS, stream });
  expect(reply, model, { text: "", stop: "tools", calls: [CALLED_WEATHER, CALLED_TIME] });
  talk = client.follow(talk, reply, { results: RESULTS });
  expect(await client.ask(model, talk, { tools: TOOLS, stream }), model, { text: BOTH_RESULTS });
}

async function thinkingTurns(client, model, stream) {
  let talk = client.talk("think");
  const reply = await client.ask(model, talk, { think: true, stream });
  expect(reply, model, { text: prose, thinks: true });
  holds(`thinking in several events, not ${reply.thoughts}`, !stream || reply.thoughts >= 2);
  talk = client.follow(talk, reply, { text: "say Go on." });
  expect(await client.ask(model, talk, { think: true, stream }), model, { text: "Go on." });
}

/**
 * Thinking before a call, which goes back with the result, and both again with the next question. The model `then` goes on.
 */
async function thinkingLoop(client, model, then, stream) {
  let talk = client.talk(`think\nsay Looking.\n${CALL_WEATHER}\n${CALL_TIME}`, { system });
  let reply = await client.ask(model, talk, { tools: TOOLS, think: true, stream });
  expect(reply, model, { text: "Looking.", stop: "tools", calls: [CALLED_WEATHER, CALLED_TIME], thinks: true });
  talk = client.follow(talk, reply, { results: RESULTS });
  reply = await client.ask(then, talk, { tools: TOOLS, think: true, stream });
  expect(reply, then, { text: BOTH_RESULTS });
  talk = client.follow(talk, reply, { text: "think\nsay You are welcome." });
  reply = await client.ask(then, talk, { tools: TOOLS, think: true, stream });
  expect(reply, then, { text: "You are welcome.", thinks: true });
}

// Each case of a fault has a model of its own, so that none meets the circuits and cooldowns of another.
function faulty(client, model, fault) {
  return `${model}.${fault}.node-${client.name}`;
}

async function breaks(client, model, fault) {
  const name = faulty(client, model, fault);
  const error = await caught(client, () => client.ask(name, client.talk("hello"), { stream: true }));
  holds(`the status was sent before: ${error.said}`, !["bad_request", "rate_limit", "not_found"].includes(error.kind));
}

/** For each client and model. */
export const EACH = {
  async text(client, model) {
    const reply = await client.ask(model, client.talk("Is the line clear?"));
    expect(reply, model, { text: prose });
    holds("there is a request id", !client.requestId || reply.headers.get(client.requestId));
  },

  async text_stream(client, model) {
    const reply = await client.ask(model, client.talk("Is the line clear?"), { stream: true });
    expect(reply, model, { text: prose });
    holds(`several events, not ${reply.texts}`, reply.texts >= 4);
  },

  tools: (client, model) => toolLoop(client, model, false),
  tools_stream: (client, model) => toolLoop(client, model, true),
  parallel: (client, model) => parallelCalls(client, model, false),
  parallel_stream: (client, model) => parallelCalls(client, model, true),

  async image(client, model) {
    const talk = client.talk("What is this?", { image: SHARED.image });
    expect(await client.ask(model, talk), model, { text: SHARED.image.seen });
  },

  thinking: (client, model) => thinkingTurns(client, model, false),
  thinking_stream: (client, model) => thinkingTurns(client, model, true),
  thinking_tools: (client, model) => thinkingLoop(client, model, model, false),
  thinking_tools_stream: (client, model) => thinkingLoop(client, model, model, true),

  /** A conversation that one provider's model has thought about goes on with each other's. */
  async change_of_model(client, model) {
    const failed = [];
    for (const then of Object.keys(MODELS)) {
      await thinkingLoop(client, model, then, false).catch((error) => failed.push(`to ${then}: ${error.message}`));
    }
    holds(failed.join("; "), !failed.length);
  },

  async stops(client, model) {
    for (const word of ["length", "filter"]) {
      if (word === "filter" && told(model, "filter_untold")) continue;
      for (const stream of [false, true]) {
        const reply = await client.ask(model, client.talk(`${word}\nsay Half`), { stream });
        same(`${word}, stream ${stream}: stop`, reply.stop, word);
        same(`${word}, stream ${stream}: text`, reply.text, "Half");
      }
    }
  },

  /** The fake says what it is told, so this is about the request alone: a schema must be taken. */
  async structured(client, model) {
    const reply = await client.ask(model, client.talk('say {"city": "Oslo"}'), { schema: SCHEMA });
    same("text", JSON.parse(reply.text), { city: "Oslo" });
  },

  async count_tokens(client, model) {
    if (!client.count) throw new NotForIt();
    const count = await client.count(model, client.talk("Is the line clear?"));
    if (told(model, "counts")) same("the provider's own count", count, SHARED.usage.prompt);
    else holds(`a count: ${count}`, count > 0 && count < 100);
  },

  async completions(client, model) {
    if (!client.completion) throw new NotForIt();
    await client.completion(model, false);
  },

  async completions_stream(client, model) {
    if (!client.completion) throw new NotForIt();
    await client.completion(model, true);
  },

  async embeddings(client, model) {
    if (!client.embedding) throw new NotForIt();
    const embed = () => client.embedding(`${model}.embeds`);
    if (client.embeds(model)) await embed();
    else same("kind", (await caught(client, embed)).kind, "bad_request");
  },

  // What is left out, and what is refused.

  async dropped(client, model) {
    const [more, name, where] = client.dropped;
    const reply = await client.ask(model, client.talk("hello"), { more });
    const header = reply.headers.get("x-pointsman-dropped") ?? "";
    const said = header.split(",").map((field) => field.trim());
    const named = said.some((field) => field === name || field.endsWith(`.${name}`));
    same(`${name} is said to be dropped ("${header}")`, named, where.includes(model));
  },

  async unsupported(client, model) {
    const [more, name, where] = client.unsupported;
    if (!where.includes(model)) throw new NotForIt();
    const error = await caught(client, () => client.ask(model, client.talk("hello"), { more }));
    same("kind", error.kind, "bad_request");
    holds(`${name} is named: ${error.said}`, error.said.includes(name));
  },

  async bad_request(client, model) {
    const error = await caught(client, () => client.badRequest(model));
    same("kind", error.kind, "bad_request");
    holds(`${client.badField} is named: ${error.said}`, error.said.includes(client.badField));
  },

  async too_long(client, model) {
    for (const stream of [false, true]) {
      const error = await caught(client, () => client.ask(`${model}.long`, client.talk("hello"), { stream }));
      same("kind", error.kind, "bad_request");
      client.tooLong(error);
    }
  },

  // What goes wrong upstream.

  async rate_limit(client, model) {
    const error = await caught(client, () => client.ask(faulty(client, model, "limited"), client.talk("hello")));
    same("kind", error.kind, "rate_limit");
    if (!error.headers) return;
    const wait = Number(error.headers.get("retry-after"));
    // With up to a tenth of jitter; who does not say how long gets the provider's `cooldown`.
    const [low, high] = told(model, "wait_untold") ? [19, 22] : [6, 8];
    holds(`retry-after is ${wait}`, low <= wait && wait <= high);
  },

  async rate_limit_in_stream(client, model) {
    const name = faulty(client, model, "limited-stream");
    const error = await caught(client, () => client.ask(name, client.talk("hello"), { stream: true }));
    same("kind", error.kind, "rate_limit");
    holds("there is a retry-after", !error.headers || Number(error.headers.get("retry-after")) > 0);
  },

  error_in_stream: (client, model) => breaks(client, model, "error"),
  stream_cut: (client, model) => breaks(client, model, "cut"),

  async stream_without_end(client, model) {
    if (told(model, "end_untold")) throw new NotForIt();
    await breaks(client, model, "early");
  },

  async cancel(client, model) {
    const name = faulty(client, model, "silent");
    const upstream = `${MODELS[model]}.${name}`;
    let came = false;
    await client.abandon(name, async () => {
      came = true;
      same("cancelled before", await new Fake().cancelled(upstream), 0);
    });
    holds("something of the stream came", came);
    await new Fake().waitUntilCancelled(upstream, 1000);
  },
};

/** For each client: what has nothing to do with a model. */
export const ONCE = {
  async wrong_key(client) {
    const stranger = new client.constructor("wrong");
    const error = await caught(client, () => stranger.ask("via-openai", client.talk("hello")));
    same("kind", error.kind, "authentication");
  },

  async unknown_model(client) {
    for (const stream of [false, true]) {
      const error = await caught(client, () => client.ask("no-such-model", client.talk("hello"), { stream }));
      same("kind", error.kind, "not_found");
      holds(`it is named: ${error.said}`, error.said.includes("no-such-model"));
    }
  },

  async models(client) {
    const names = await client.models();
    holds(`every model is there: ${names}`, Object.keys(MODELS).every((name) => names.includes(name)));
  },
};

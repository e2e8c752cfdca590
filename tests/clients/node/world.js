// What the Rust test has set up, what every client looks like to the scenarios, and how they compare.
//
// A client is one SDK used for one dialect. It speaks its SDK's own types: what it gets is what it sends back in the next
// turn, as an application would. Only what is compared is put into a reply:
//
//   native    what goes back as the assistant's turn
//   text, thinking, calls [[name, arguments]], headers
//   stop      end, tools, length or filter, or the dialect's own word
//   usage     {prompt, cached, output, reasoning}: all of the prompt, cached or not; all of the output, thinking included
//   texts, thoughts, arguments     of a stream, how many events brought something

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";

export const URL_BASE = process.env.POINTSMAN_URL;
export const KEY = process.env.POINTSMAN_KEY;
/** Ours → the upstream's. */
export const MODELS = JSON.parse(process.env.POINTSMAN_MODELS);
export const SHARED = JSON.parse(readFileSync(new URL("../scenarios.json", import.meta.url), "utf8"));

/** Something is not as it must be. */
export class Wrong extends Error {}

export function same(what, got, expected) {
  if (!isDeepStrictEqual(got, expected)) {
    throw new Wrong(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
  }
}

export function holds(what, truth) {
  if (!truth) throw new Wrong(what);
}

/** What a provider is known for: `outbound` in scenarios.json. */
export function told(model, what) {
  return SHARED.outbound[model][what] ?? false;
}

export function reply(native, more) {
  return { native, text: "", stop: "", calls: [], thinking: "", texts: 0, thoughts: 0, arguments: 0, ...more };
}

/** Turns of the roles in alternation. */
export function alternate(roles, history, turn) {
  return history.map((said, index) => turn(roles[index % 2], said));
}

/** The fake provider's own window: tests/src/fake/admin.rs. */
export class Fake {
  async #call(method, path) {
    const answer = await fetch(`${process.env.POINTSMAN_FAKE}/_fake/${path}`, { method });
    return answer.json();
  }

  /** What requests since the last call had in them that their protocol forbids. */
  async violations() {
    const found = await this.#call("GET", "violations");
    if (found.length) await this.#call("DELETE", "stats");
    return found.map(({ protocol, path, message }) => `${protocol} ${path}: ${message}`);
  }

  async cancelled(upstream) {
    return (await this.#call("GET", "stats")).models[upstream]?.cancelled ?? 0;
  }

  async waitUntilCancelled(upstream, within) {
    const end = Date.now() + within;
    while (!(await this.cancelled(upstream))) {
      holds(`the upstream call is not cancelled within ${within} ms`, Date.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

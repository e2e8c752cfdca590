// Runs every scenario for every client and model, a line for each, and a table at the end.

import { Messages } from "./anthropic_messages.js";
import { Generate } from "./gemini_generate.js";
import { Chat } from "./openai_chat.js";
import { Responses } from "./openai_responses.js";
import { EACH, NotForIt, ONCE, VIOLATES } from "./scenarios.js";
import { Fake, MODELS } from "./world.js";

const WANTED = (process.env.POINTSMAN_CASES ?? "").split(" ").filter(Boolean);
const NO_MODEL = "gateway";
const fake = new Fake();

/** One case, its mark for the table. */
async function run(client, model, name, scenario) {
  const words = ["node", client.name, model, name];
  if (!WANTED.every((wanted) => words.includes(wanted))) return "";
  let why = "";
  try {
    await scenario();
  } catch (error) {
    if (error instanceof NotForIt) return "-";
    why = `${error.constructor.name}: ${error.message}`;
  }
  const violations = await fake.violations();
  if (violations.length && !VIOLATES.includes(name)) {
    why += ` the upstream was sent what it forbids: ${violations.join("; ")}`;
  }
  console.log(...words, why ? `FAILED ${why.trim()}` : "ok");
  return why ? "FAILED" : "ok";
}

function table(rows) {
  const columns = [NO_MODEL, ...Object.keys(MODELS)];
  const line = (first, cells) => console.log(first.padEnd(32) + cells.map((cell) => cell.padStart(15)).join(""));
  console.log();
  line("node", columns.map((column) => column.replace("via-", "")));
  for (const [name, marks] of rows) {
    if (Object.values(marks).some(Boolean)) line(name, columns.map((column) => marks[column] ?? ""));
  }
  console.log();
}

const rows = [];
for (const client of [new Chat(), new Responses(), new Messages(), new Generate()]) {
  for (const [name, scenario] of Object.entries(ONCE)) {
    rows.push([`${client.name} ${name}`, { [NO_MODEL]: await run(client, NO_MODEL, name, () => scenario(client)) }]);
  }
  for (const [name, scenario] of Object.entries(EACH)) {
    const marks = {};
    for (const model of Object.keys(MODELS)) {
      marks[model] = await run(client, model, name, () => scenario(client, model));
    }
    rows.push([`${client.name} ${name}`, marks]);
  }
}
table(rows);
const marks = rows.flatMap(([, row]) => Object.values(row));
const [passed, failed] = ["ok", "FAILED"].map((mark) => marks.filter((other) => other === mark).length);
console.log(`node: ${passed} passed, ${failed} failed\n`);
// With nothing run nothing is shown, unless no case of this language was wanted.
process.exit(failed || !(passed || WANTED.length) ? 1 : 0);

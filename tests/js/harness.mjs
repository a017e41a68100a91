// What the files here share: settings of a client, and the runner that prints a line for each test.
import assert from "node:assert/strict";

export const settings = {
  endpoint: process.argv[2], region: "us-east-1", maxAttempts: 1,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
};

// A function (command name, input) => reply, of a client of that module with other settings.
export function sender(module, name, more = {}) {
  const client = new module[`${name}Client`]({ ...settings, ...more });
  return Object.assign((command, input = {}) => client.send(new module[`${command}Command`](input)), { client });
}

export const failsWith = (name, promise) =>
  assert.rejects(promise, (e) => e.name === name || assert.fail(`${e.name}, not ${name}`));

// All of a paginator's items, and how many pages there were.
export async function collect(paginator, field) {
  const out = [];
  let pages = 0;
  for await (const page of paginator) {
    out.push(...(page[field] ?? []));
    pages++;
  }
  return [out, pages];
}

export async function run(tests) {
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    try {
      await test();
      console.log(`ok ${name}`);
    } catch (e) {
      failed++;
      console.log(`FAILED ${name}: ${e.stack}`);
      if (e.$response) console.log(e.$response.statusCode, e.$response.headers);
    }
  }
  process.exitCode = failed ? 1 : 0;
}

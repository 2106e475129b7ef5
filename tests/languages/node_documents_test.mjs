// What libclient/README.md shows of Node.js, beside a real agent: run by node_test.sh, which gives the page in PAGE.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test from 'node:test';

const snippets = [...readFileSync(process.env.PAGE, 'utf8').matchAll(/^```js\n(.*?)^```/gms)].map((found) => found[1]);
const get = () => execFileSync(process.env.JETONCTL, ['get', 'api', '--header'], { encoding: 'utf8' }).trim();

function run(before, code) {
  writeFileSync('documented.mjs', before + code.replaceAll("'wechat'", "'api'").replace('timeout: 5000', 'timeout: 60000'));
  return execFileSync(process.execPath, ['documented.mjs'], { encoding: 'utf8' });
}

test('a read sends the header, reports a 401 and watches', () => {
  const before = get();
  const printed = run(
    `const fetch = async (url, { headers }) => { console.log('Authorization: ' + headers.authorization); return { status: 401 }; };
const url = 'http://127.0.0.1:1/';
const controller = new AbortController();
const { signal } = controller;
const reconnect = (value) => { console.log(typeof value); controller.abort(); };
process.on('uncaughtException', (error) => { if (error.name !== 'AbortError') throw error; });
`,
    snippets.find((code) => code.includes('jeton.open')),
  );
  assert.equal(printed, `${before}\nstring\n`);
  assert.notEqual(get(), before);
});

test('a lock has a fence and a signal', () => {
  const printed = run(
    `import * as jeton from 'jeton';
const url = 'http://127.0.0.1:1/';
const fetch = async (url, { signal, headers }) => console.log(signal instanceof AbortSignal, headers.fence > 0);
`,
    snippets.find((code) => code.includes('jeton.run')),
  );
  assert.equal(printed, 'true true\n');
});

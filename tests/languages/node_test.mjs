// The Node.js binding beside a real agent (run by node_test.sh in the package's folder).
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify, inspect } from 'node:util';
import * as jeton from 'jeton';
import { authorizedFetch } from './examples/fetch.mjs';

const timeout = 30_000;
const run = promisify(execFile);
const refresh = () => run(process.env.JETONCTL, ['refresh', 'api']);
const descriptors = () => readdirSync('/proc/self/fd').length;
const code = (expected) => (error) => error instanceof jeton.JetonError && error.code === expected;

test('reads what the segment holds', async () => {
  const token = jeton.open('api');
  const value = token.current();
  assert.equal(value.value, (await run(process.env.JETONCTL, ['get', 'api'])).stdout.trim());
  assert.deepEqual({ ...value.attributes }, { kind: 'Bearer' });
  assert.deepEqual(token.header(), { authorization: `Bearer ${value.value}` });
  assert.ok(value.expiresAt > new Date());
  assert.equal(token.current(), value);
  assert.deepEqual(token.read(), value);
  const info = token.info();
  assert.equal(info.generation, value.generation);
  assert.equal(info.valueSize, value.value.length);
  token.close();
});

test('prints no secret', () => {
  const value = jeton.open('api').current();
  for (const text of [inspect(value, { showHidden: true, depth: 9 }), String(value), JSON.stringify(value), `${[value]}`]) {
    assert.ok(!text.includes(value.value));
    assert.ok(!text.includes('kind'));
  }
});

test('waits for a change without a thread and without holding up the loop', async () => {
  const token = jeton.open('api');
  const before = token.current();
  const open = descriptors();
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map(() => token.waitChange(before.generation, { timeout })); // more than the pool has threads
  assert.equal(descriptors(), open + 1);
  await refresh(); // needs the loop, and the pool
  const found = await Promise.all(waits);
  assert.ok(found.every((generation) => generation === token.current().generation));
  assert.ok(found[0] > before.generation);
  assert.notEqual(token.current().value, before.value);
  assert.equal(descriptors(), open);
  assert.equal(await token.waitValid(), found[0]);
  token.close();
});

test('a wait runs out, is aborted, or ends with the token', async () => {
  const token = jeton.open('api');
  const { generation } = token.current();
  const open = descriptors();
  await assert.rejects(token.waitChange(generation + 10n ** 12n, { timeout: 20 }), code('JETON_TIMED_OUT'));
  const controller = new AbortController();
  const aborted = token.waitChange(generation + 10n ** 12n, { signal: controller.signal });
  controller.abort();
  await assert.rejects(aborted, { name: 'AbortError' });
  await assert.rejects(token.waitChange(generation, { signal: AbortSignal.abort() }), { name: 'AbortError' });
  assert.equal(descriptors(), open);
  const closed = token.waitChange(generation + 10n ** 12n);
  token.close();
  token.close();
  await assert.rejects(closed, code('JETON_CLOSED'));
  assert.equal(descriptors(), open);
  assert.throws(() => token.current(), code('JETON_CLOSED'));
  await assert.rejects(token.waitValid(), code('JETON_CLOSED'));
});

test('watch gives each token, until it is aborted', async () => {
  const controller = new AbortController();
  const seen = [];
  await assert.rejects(async () => {
    for await (const value of jeton.watch('api', { signal: controller.signal })) {
      seen.push(value.generation);
      if (seen.length === 3) controller.abort();
      else await refresh();
    }
  }, { name: 'AbortError' });
  assert.equal(seen.length, 3);
  assert.ok(seen[0] < seen[1] && seen[1] < seen[2]);
});

test('a rejection leads to a new token', async () => {
  const token = jeton.open('api');
  const refused = token.current();
  await token.rejected(refused.generation);
  const newer = await token.waitChange(refused.generation, { timeout });
  assert.equal(await token.rejected(refused.generation), newer); // said once more, too late
  await assert.rejects(token.rejected(newer + 10n ** 12n), code('JETON_AGENT_REFUSED'));
  token.close();
});

test('a token may be closed while a report is on its way', async () => {
  const token = jeton.open('api');
  const report = token.rejected(1n);
  token.close();
  await assert.doesNotReject(report);
});

test('accepts the current and the previous token', async () => {
  const token = jeton.open('api');
  const before = token.current();
  await refresh();
  await token.waitChange(before.generation, { timeout });
  assert.ok(token.accepts(token.current().value));
  assert.ok(token.accepts(Buffer.from(before.value)));
  assert.ok(!token.accepts(`${before.value}x`));
  assert.ok(!token.accepts(''));
  token.close();
});

test('looks around', async () => {
  assert.deepEqual(jeton.list(), ['api']);
  const { token, agent } = await jeton.diagnose('api');
  assert.deepEqual([token, agent], ['JETON_OK', 'JETON_OK']);
  assert.equal((await jeton.diagnose('nosuch')).token, 'JETON_NOT_FOUND');
});

test('errors have a code', () => {
  assert.throws(() => jeton.open('nosuch'), code('JETON_NOT_FOUND'));
  assert.throws(() => jeton.open('../api'), code('JETON_INVALID_ARGUMENT'));
  assert.throws(() => jeton.open('nosuch', { allowMissing: true }).current(), code('JETON_NOT_FOUND'));
  const directory = mkdtempSync(join(tmpdir(), 'jeton-'));
  try {
    assert.throws(() => jeton.list({ directory }), code('JETON_NO_AGENT'));
    mkdirSync(join(directory, 'segments'));
    const forged = join(directory, 'segments', 'api');
    copyFileSync(join(process.env.JETON_DIR, 'segments', 'api'), forged);
    chmodSync(forged, 0o666);
    assert.throws(() => jeton.open('api', { directory }), code('JETON_WRITABLE_FILE'));
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('tokens that nobody closed are freed', async () => {
  const mappings = async () => (await run('sh', ['-c', `grep -c segments/api /proc/${process.pid}/maps || true`])).stdout;
  const before = Number(await mappings());
  for (let i = 0; i < 200; ++i) jeton.open('api').current();
  // Finalizers run when the collector and the loop come to it.
  for (let i = 0; i < 600 && Number(await mappings()) > before; ++i) globalThis.gc();
  assert.ok(Number(await mappings()) <= before);
});

test('the fetch wrapper reports a 401 and tries once more', async () => {
  const token = jeton.open('api');
  // The more rejections in a row, the later the next token; one that was asked for begins anew.
  const before = token.current().generation;
  await refresh();
  await token.waitChange(before, { timeout });

  // An API that takes the current token only, and not one that it was told to refuse.
  const refused = new Set();
  const requests = [];
  let shut = false;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const presented = request.headers.authorization?.split(' ')[1];
    requests.push(presented);
    const known = !shut && presented === token.read().value && !refused.has(presented);
    response.writeHead(known ? 200 : 401).end(known ? body : 'no');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const post = async (patience) => {
    const url = `http://127.0.0.1:${server.address().port}/`;
    const response = await authorizedFetch(token, { patience })(url, { method: 'POST', body: 'hello' });
    return [response.status, await response.text()];
  };
  try {
    assert.deepEqual(await post(timeout), [200, 'hello']);
    const first = token.current();
    refused.add(first.value);
    assert.deepEqual(await post(timeout), [200, 'hello']);
    assert.deepEqual(requests, [first.value, first.value, token.current().value]);
    shut = true; // whatever the token
    assert.equal((await post(100))[0], 401);
    assert.ok(requests.length === 4 || requests.length === 5); // once more at most, if a newer token came in time
  } finally {
    server.closeAllConnections();
    server.close();
    token.close();
  }
});

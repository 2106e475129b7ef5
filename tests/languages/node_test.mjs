// The Node.js binding beside a real agent (run by node_test.sh in the package's folder).
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import {
  chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify, inspect } from 'node:util';
import * as jeton from 'jeton';
import { authorizedFetch } from './examples/fetch.mjs';

const timeout = 60_000;
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

test('current has the attributes of a token that is given again', async () => {
  const directory = mkdtempSync('/dev/shm/jeton-node.');
  const runtimeDir = join(directory, 'run'), answer = join(directory, 'answer.json'), config = join(directory, 'agent.yaml');
  const expires_at = Math.floor(Date.now() / 1000) + 3600;
  const give = (plan) => {
    writeFileSync(`${answer}.new`, JSON.stringify({ token: 'the-same', expires_at, plan }));
    renameSync(`${answer}.new`, answer);
  };
  const jetonctl = (...args) => run(process.env.JETONCTL, ['--dir', runtimeDir, ...args]);
  const planOfAnotherReader = async () =>
    JSON.parse((await jetonctl('get', 'api', '--format', 'json', '--wait', '1m')).stdout).attributes.plan;
  give('old');
  writeFileSync(
    config,
    `
version: 1
agent: {runtime_dir: ${runtimeDir}, state_dir: ${directory}/state}
tokens:
  api:
    source:
      type: exec
      command: [/bin/cat, ${answer}]
      response: {token: /token, expires_at: /expires_at, attributes: {plan: /plan}}
    refresh: {min_interval: 10ms}
`,
  );
  const agent = spawn(process.env.JETON_AGENT, ['run', '--config', config], { stdio: 'ignore' });
  const ended = new Promise((resolve) => agent.once('exit', resolve));
  try {
    while (!existsSync(join(runtimeDir, 'segments', 'api'))) {
      assert.equal(agent.exitCode, null);
      await new Promise(setImmediate);
    }
    assert.equal(await planOfAnotherReader(), 'old');
    const token = jeton.open('api', { directory: runtimeDir });
    const before = token.current();
    give('new');
    await jetonctl('refresh', 'api');
    while ((await planOfAnotherReader()) === 'old');
    const after = token.current();
    assert.deepEqual([after.generation, after.value], [before.generation, before.value]);
    assert.deepEqual(after.expiresAt, before.expiresAt);
    assert.deepEqual({ ...after.attributes }, { plan: 'new' });
    assert.equal(token.current(), after);
    token.close();
  } finally {
    agent.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  }
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
  await token.waitValid(); // the loop has its inotify instance, which all waits share, from here on
  const open = descriptors();
  const others = [1, 2, 3, 4].map(() => jeton.open('api'));
  const waits = [token, token, token, token, ...others].map((one) => one.waitChange(before.generation, { timeout })); // more than the pool has threads
  assert.equal(descriptors(), open);
  await refresh(); // needs the loop, and the pool
  const found = await Promise.all(waits);
  assert.ok(found.every((generation) => generation === token.current().generation));
  assert.ok(found[0] > before.generation);
  assert.notEqual(token.current().value, before.value);
  assert.equal(descriptors(), open);
  assert.equal(await token.waitValid(), found[0]);
  for (const one of [token, ...others]) one.close();
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

test('watch goes on after a moment without the segment', async () => {
  const token = jeton.open('api');
  let isMissing = true;
  token.current = () => {
    if (!isMissing) return jeton.Token.prototype.current.call(token);
    isMissing = false;
    throw new jeton.JetonError('JETON_NOT_FOUND', 'removed');
  };
  const { value } = await token.watch().next();
  assert.equal(value.value, jeton.Token.prototype.current.call(token).value);
  token.close();
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

test('a token is waited for before there is a directory, and again in one that takes its place', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'jeton-'));
  const place = (from) => {
    mkdirSync(join(directory, 'run', 'segments'), { recursive: true });
    copyFileSync(from, join(directory, 'run', 'segments', 'new'));
    renameSync(join(directory, 'run', 'segments', 'new'), join(directory, 'run', 'segments', 'api'));
  };
  const segment = join(process.env.JETON_DIR, 'segments', 'api');
  const token = jeton.open('api', { directory: join(directory, 'run'), allowMissing: true });
  try {
    const first = token.waitValid({ timeout });
    await new Promise(setImmediate);
    place(segment);
    const generation = await first;
    const second = token.waitChange(generation, { timeout });
    const before = jeton.open('api');
    await refresh();
    await before.waitChange(generation, { timeout });
    before.close();
    rmSync(join(directory, 'run'), { recursive: true });
    place(segment);
    assert.ok((await second) > generation);
  } finally {
    token.close();
    rmSync(directory, { recursive: true });
  }
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

test('arguments of another type are a TypeError, impossible ones a RangeError', async () => {
  const token = jeton.open('api');
  const lock = new jeton.Lock('arguments');
  const wrong = (type, call) =>
    assert.rejects(async () => call(), (error) => error instanceof type && /^ERR_(INVALID_ARG|OUT_OF)_/.test(error.code), `${call}`);
  const others = [5, 5n, {}, [], Symbol('api'), true, Buffer.from('api'), () => {}];
  for (const value of [...others, undefined, null]) {
    await wrong(TypeError, () => jeton.open(value));
    await wrong(TypeError, () => new jeton.Lock(value));
    await wrong(TypeError, () => jeton.lock(value));
    await wrong(TypeError, () => jeton.diagnose(value));
    await wrong(TypeError, () => jeton.watch(value).next());
    await wrong(TypeError, () => lock.fenceOf(value));
    if (!(value instanceof Uint8Array)) await wrong(TypeError, () => token.accepts(value));
    if (typeof value !== 'function') await wrong(TypeError, () => jeton.run('arguments', 1000, value));
  }
  for (const value of others) {
    await wrong(TypeError, () => jeton.open('api', { directory: value }));
    await wrong(TypeError, () => jeton.list({ directory: value }));
    await wrong(TypeError, () => jeton.diagnose('api', { directory: value }));
    await wrong(TypeError, () => new jeton.Lock('x', { metadata: value }));
    await wrong(TypeError, () => new jeton.Lock('x', { directory: value }));
    await wrong(TypeError, () => new jeton.Lock('x', { also: Array.isArray(value) ? [5] : value }));
    await wrong(TypeError, () => token.waitValid({ signal: value }));
    await wrong(TypeError, () => lock.acquire({ signal: value }));
    if (typeof value !== 'boolean') await wrong(TypeError, () => jeton.open('api', { allowExpired: value }));
  }
  for (const value of ['5', {}, null, undefined, true, Symbol('5')]) {
    await wrong(TypeError, () => token.waitChange(value));
    await wrong(TypeError, () => token.rejected(value));
    await wrong(TypeError, () => lock.extend(value));
    if (value === undefined) continue;
    await wrong(TypeError, () => token.waitValid({ timeout: value }));
    await wrong(TypeError, () => lock.acquire({ timeout: value }));
    await wrong(TypeError, () => new jeton.Lock('x', { ttl: value }));
    await wrong(TypeError, () => new jeton.Lock('x', { retry: value }));
  }
  for (const value of [-1, -1n, 0.5, NaN, Infinity, 2n ** 64n]) {
    await wrong(RangeError, () => token.waitChange(value));
    await wrong(RangeError, () => token.rejected(value));
  }
  for (const options of ['api', 5, null]) {
    await wrong(TypeError, () => jeton.open('api', options));
    await wrong(TypeError, () => token.waitValid(options));
    await wrong(TypeError, () => lock.acquire(options));
    await wrong(TypeError, () => jeton.list(options));
  }
  await wrong(RangeError, () => token.waitValid({ timeout: NaN }));
  await wrong(RangeError, () => new jeton.Lock('x', { ttl: NaN }));
  await wrong(TypeError, () => jeton.open('api', { directory: `${process.env.JETON_DIR}\0x` }));
  await wrong(TypeError, () => new jeton.Lock('x', { metadata: 'a\0b' }));
  assert.throws(() => jeton.open('api\0x'), code('JETON_INVALID_ARGUMENT'));
  assert.throws(() => new jeton.Lock('x\0y'), code('JETON_INVALID_ARGUMENT'));
  assert.throws(() => new jeton.Lock('x', { also: ['y\0z'] }), code('JETON_INVALID_ARGUMENT'));
  assert.throws(() => new jeton.TokenValue({ generation: 1n, value: 5n, value_size: 10 }, 5n), TypeError);
  await assert.rejects(token.waitChange(2n ** 64n - 1n, { timeout: -5 }), code('JETON_TIMED_OUT'));
  await lock.close();
  token.close();
});

test('without an inotify instance a change is seen all the same, and the sysctl is named', async () => {
  const program = `import * as jeton from 'jeton';
    const token = jeton.open('api');
    const { generation } = token.current();
    const wait = token.waitChange(generation, { timeout: ${timeout} });
    console.log('waiting');
    console.log((await wait) > generation);
    token.close();`;
  const waiting = run(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, LD_PRELOAD: process.env.NO_INOTIFY },
  });
  await new Promise((resolve) => waiting.child.stdout.once('data', resolve));
  await refresh();
  const { stdout, stderr } = await waiting;
  assert.match(stdout, /true/);
  assert.match(stderr, /fs\.inotify\.max_user_instances/);
});

test('tokens that nobody closed are freed', async () => {
  const mappings = async () => (await run('sh', ['-c', `grep -c segments/api /proc/${process.pid}/maps || true`])).stdout;
  const before = Number(await mappings());
  for (let i = 0; i < 200; ++i) jeton.open('api').current();
  // Finalizers run when the collector and the loop come to it.
  for (let i = 0; i < 600 && Number(await mappings()) > before; ++i) globalThis.gc();
  assert.ok(Number(await mappings()) <= before);
});

test('a wait keeps the token that nobody else references', { timeout }, async () => {
  const wait = jeton.open('api').waitChange(jeton.open('api').current().generation);
  for (let i = 0; i < 20; ++i) {
    globalThis.gc();
    await new Promise(setImmediate);
  }
  await refresh();
  assert.equal(await wait, jeton.open('api').current().generation);
});

test('the fetch wrapper reports a 401 and tries once more', async () => {
  const token = jeton.open('api');
  // The more rejections in a row, the later the next token; a requested one starts from the beginning.
  const before = token.current().generation;
  await refresh();
  await token.waitChange(before, { timeout });

  // An API that accepts only the current token, unless the test lets it refuse that one.
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
    shut = true; // for every token
    assert.equal((await post(100))[0], 401);
    assert.ok(requests.length === 4 || requests.length === 5); // once more at most, if a newer token came in time
  } finally {
    server.closeAllConnections();
    server.close();
    token.close();
  }
});

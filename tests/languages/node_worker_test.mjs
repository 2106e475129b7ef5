// Workers of Node.js that end with tokens and locks open (run by node_test.sh in the package's folder).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as jeton from 'jeton';

const timeout = 60_000;
const descriptors = () => readdirSync('/proc/self/fd').length;
const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('segments/api').length - 1;

/** Runs a worker until it is ready, ends it, and gives what it said besides. */
async function workAndEnd(lock, end) {
  const worker = new Worker(new URL('node_worker.mjs', import.meta.url), { workerData: { lock, end } });
  const warnings = [];
  const ready = new Promise((resolve) => {
    worker.on('message', ({ warning }) => (warning ? warnings.push(warning) : resolve()));
  });
  const failed = new Promise((resolve) => worker.on('error', resolve));
  const gone = new Promise((resolve) => worker.on('exit', resolve));
  await Promise.race([ready, failed.then((error) => { if (error.message !== 'its own') throw error; })]);
  if (end === 'terminate') await worker.terminate();
  await gone;
  return warnings;
}

for (const end of ['terminate', 'throw', 'exit', 'close']) {
  test(`a worker that ends by ${end} keeps no lock, no descriptor and no mapping, and warns of nothing`, async () => {
    await workAndEnd(`warm-up-${end}`, end);
    const before = [descriptors(), mappings()];
    const warnings = await workAndEnd(`worker-${end}`, end);
    assert.deepEqual(warnings, []);
    assert.deepEqual([descriptors(), mappings()], before);
    const lock = await jeton.lock(`worker-${end}`, { timeout });
    await lock.close();
  });
}

test('a worker that ends leaves the tokens and locks of others alone', async () => {
  const token = jeton.open('api');
  const lock = await jeton.lock('of-the-main-thread');
  await workAndEnd('of-the-worker', 'terminate');
  assert.ok(lock.held);
  assert.ok(token.current().value);
  await lock.close();
  token.close();
});

test('workers that are terminated in the middle of calls keep no lock and end nothing but themselves', async () => {
  for (let turns = 1; turns <= 10; ++turns) {
    const worker = new Worker(new URL('node_busy_worker.mjs', import.meta.url), { workerData: { lock: 'busy' } });
    const failed = new Promise((_, reject) => worker.on('error', reject));
    let left = turns;
    const reached = new Promise((resolve) => worker.on('message', () => --left === 0 && resolve()));
    await Promise.race([reached, failed]);
    await worker.terminate();
    const lock = await jeton.lock('busy', { timeout });
    await lock.close();
  }
});

// Node.js lets native code get nothing from an object of a thread that it terminates.
test('workers that are terminated inside of calls end nothing but themselves', async () => {
  for (let i = 0; i < 20; ++i) {
    const worker = new Worker(new URL('node_spinning_worker.mjs', import.meta.url));
    const failed = new Promise((_, reject) => worker.on('error', reject));
    await Promise.race([new Promise((resolve) => worker.on('message', resolve)), failed]);
    await new Promise((resolve) => setTimeout(resolve, i));
    await worker.terminate();
  }
});

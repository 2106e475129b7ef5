// Locks of the Node.js binding beside a real agent (run by node_test.sh in the package's folder).
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import * as jeton from 'jeton';

const timeout = 60_000;
const run = promisify(execFile);
const code = (expected) => (error) => error instanceof jeton.JetonError && error.code === expected;
const sockets = () => readdirSync('/proc/self/fd').length;

test('a lock is held by one until it is given back', async () => {
  const one = await jeton.lock('one', { ttl: 20_000 });
  const other = new jeton.Lock('one');
  assert.ok(one.held && !one.lost.aborted);
  assert.equal(await other.tryAcquire(), false);
  for (const wait of [0, 20]) {
    await assert.rejects(jeton.lock('one', { timeout: wait }), (error) => {
      return code('JETON_LOCK_BUSY')(error) && /^lock 'one': it is held by .+ uid \d+ pid \d+/.test(error.message);
    });
  }
  const won = other.acquire({ timeout }); // waits, and the loop goes on
  await one.release();
  assert.equal(await won, true);
  assert.ok(other.fence > one.fence);
  assert.ok(!one.held && !one.lost.aborted);
  await other.close();
  await one.close();
  await one.close();
});

test('run gives what the work gives, and gives the lock back', async () => {
  const before = sockets();
  assert.equal(await jeton.run('run', 20_000, async (lock) => (lock.held ? 42 : 0)), 42);
  await assert.rejects(jeton.run('run', 20_000, () => { throw new RangeError('its own'); }), RangeError);
  const again = await jeton.lock('run', { timeout: 0 });
  await again.close();
  for (let i = 0; i < 600 && sockets() > before; ++i) await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(sockets() <= before, 'a connection was left');
});

test('the loss aborts what works under the lock', async () => {
  await assert.rejects(
    jeton.run('lost', 6000, async (lock) => {
      const told = new Promise((resolve) => lock.lost.addEventListener('abort', resolve, { once: true }));
      await run(process.env.JETONCTL, ['lock', 'release', 'lost', '--owner', lock.owner]);
      await told;
      assert.equal(lock.lost.reason.code, 'JETON_LOCK_LOST');
      assert.ok(!lock.held);
    }),
    code('JETON_LOCK_LOST'),
  );
});

test('who asks meanwhile does not hold up the waiter', { timeout }, async () => {
  const holder = await jeton.lock('asked');
  const waiter = new jeton.Lock('asked', { ttl: 3_600_000 });
  const wait = waiter.acquire();
  const released = holder.release(); // in a thread
  while (!waiter.held);
  const agent = Number(process.env.AGENT_PID);
  process.kill(agent, 'SIGSTOP'); // its next event would wake the waiter as well
  try {
    assert.equal(await wait, true);
  } finally {
    process.kill(agent, 'SIGCONT');
  }
  await released;
  await Promise.all([waiter.close(), holder.close()]);
});

test('a lock is waited for again before the loop has told of its loss', { timeout }, async () => {
  const lock = await jeton.lock('again', { ttl: 6000 });
  const { lost } = lock;
  const other = new jeton.Lock('again');
  const next = other.acquire();
  execFileSync(process.env.JETONCTL, ['lock', 'release', 'again', '--owner', lock.owner]);
  while (lock.held);
  const again = lock.acquire({ timeout });
  assert.ok(lost.aborted);
  assert.equal(lost.reason.code, 'JETON_LOCK_LOST');
  assert.ok(await next);
  await other.close();
  assert.equal(await again, true);
  assert.ok(lock.held && !lock.lost.aborted);
  await lock.close();
});

test('the signal of a lock that nobody references is aborted', { timeout }, async () => {
  const { lost } = await jeton.lock('forgotten', { ttl: 60_000 });
  const told = new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }));
  const collector = setInterval(globalThis.gc, 1);
  await told;
  clearInterval(collector);
  assert.equal(lost.reason.code, 'JETON_LOCK_LOST');
  await (await jeton.lock('forgotten', { timeout })).close();
});

test('a wait is aborted', async () => {
  const holder = await jeton.lock('aborted');
  const controller = new AbortController();
  const waiter = new jeton.Lock('aborted');
  const wait = waiter.acquire({ signal: controller.signal });
  controller.abort();
  await assert.rejects(wait, { name: 'AbortError' });
  assert.ok(!waiter.held);
  await holder.close();
  assert.equal(await waiter.acquire({ timeout }), true);
  await waiter.close();
});

test('a wait is ended by release and by close', async () => {
  const holder = await jeton.lock('ended');
  const waiter = new jeton.Lock('ended');
  const released = assert.rejects(waiter.acquire(), code('JETON_LOCK_NOT_HELD'));
  await assert.rejects(waiter.release(), code('JETON_LOCK_NOT_HELD'));
  await released;
  // Waited for again before the loop has told the first wait of its end.
  const before = sockets();
  const first = assert.rejects(waiter.acquire(), code('JETON_LOCK_NOT_HELD'));
  const release = assert.rejects(waiter.release(), code('JETON_LOCK_NOT_HELD')); // in a thread
  while (sockets() > before);
  const second = waiter.acquire({ timeout });
  await Promise.all([first, release]);
  await holder.release();
  assert.equal(await second, true);
  await waiter.release();
  assert.equal(await holder.acquire({ timeout }), true);
  const closed = assert.rejects(waiter.acquire(), code('JETON_CLOSED'));
  await waiter.close();
  await closed;
  await holder.close();
  await (await jeton.lock('ended', { timeout })).close();
});

test('several are taken all or none', async () => {
  const one = await jeton.lock('b');
  const both = new jeton.Lock('a', { also: ['b'], metadata: 'a "test"' });
  assert.equal(await both.tryAcquire(), false);
  await one.close();
  assert.equal(await both.acquire({ timeout }), true);
  assert.ok(both.fenceOf('b') > 0n);
  await both.extend(5000);
  assert.ok(both.held);
  await both.close();
});

test('errors have a code and the reason', async () => {
  assert.throws(() => new jeton.Lock('no such name'), code('JETON_INVALID_ARGUMENT'));
  const long = new jeton.Lock('long', { ttl: 7_200_000 });
  await assert.rejects(long.tryAcquire(), (error) => {
    // Only the agent's reason, without the sentence of the status.
    assert.doesNotMatch(error.message, /did not accept/);
    return code('JETON_AGENT_REFUSED')(error) && /^lock 'long': .*max_ttl/.test(error.message);
  });
  await assert.rejects(long.release(), { message: "lock 'long': the lock is not held" });
  const short = await jeton.lock('short');
  await assert.rejects(short.extend(7_200_000), (error) => {
    return code('JETON_AGENT_REFUSED')(error) && /^lock 'short': ttl_ms is more than 1h, the max_ttl/.test(error.message);
  });
  assert.ok(short.held);
  await short.close();
  await assert.rejects(long.release(), code('JETON_LOCK_NOT_HELD'));
  await assert.rejects(new jeton.Lock('x', { directory: '/nowhere' }).tryAcquire(), code('JETON_NO_AGENT'));
});

test('the death of the agent is the loss', async () => {
  const lock = await jeton.lock('agent');
  const told = new Promise((resolve) => lock.lost.addEventListener('abort', resolve, { once: true }));
  process.kill(Number(process.env.AGENT_PID), 'SIGKILL');
  await told;
  await lock.close();
});

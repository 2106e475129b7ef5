// Lock: a lock that one process of the whole fleet holds at a time. Waits and losses come through libjeton's descriptor,
// polled by libuv: no thread; the release, which waits for the agent, runs in libuv's pool.
//
// In a worker thread a timer looks instead: koffi's poll handles crash a worker that ends while its descriptor is readable.
import { isMainThread } from 'node:worker_threads';
import * as given from './arguments.js';
import { atEnd, notAtEnd } from './environment.js';
import { JetonError } from './errors.js';
import {
  address, check, inThread, INVALID_ARGUMENT, jeton, lockOptions, LOCK_BUSY, LOCK_LOST, LOCK_NOT_HELD, LOCK_WAITING, OK,
  poll, SYSTEM_ERROR,
} from './library.js';
import { outInt, outNumber, outWord, textIn } from './memory.js';

// What these say is of the call itself; the reason that the library keeps is of an attempt before it.
const OF_THE_CALL = [LOCK_NOT_HELD, INVALID_ARGUMENT, SYSTEM_ERROR];

const LOOK_WAITING_MS = 10;
const LOOK_HELD_MS = 100;

class Handle {
  poll = null;
  calls = 0;
  unwanted = false;
  lost = new AbortController();
  lookForLoss = null; // while it is held, as far as is known

  constructor(lock, name) {
    this.lock = lock;
    this.name = name;
    atEnd(address.lock_close, lock);
  }

  get reason() {
    if (this.lock === null) return '';
    const text = Buffer.alloc(512);
    jeton.lock_reason(this.lock, text, text.length);
    return textIn(text);
  }

  stopPolling() {
    this.poll?.close();
    this.poll = this.lookForLoss = null;
  }

  /** `lost`: of the time that it was held; it may have been asked for again meanwhile. */
  abort(reason, lost = this.lost) {
    if (lost === this.lost) this.stopPolling();
    lost.abort(new JetonError('JETON_LOCK_LOST', `lock '${this.name}' is lost: ${reason}`, LOCK_LOST));
  }

  free() {
    this.unwanted = true;
    this.stopPolling();
    if (this.calls > 0 || this.lock === null) return;
    // In this order: a worker that is terminated in between does not keep the lock.
    jeton.lock_release(this.lock);
    notAtEnd(address.lock_close, this.lock);
    jeton.lock_close(this.lock);
    this.lock = null;
  }

  async inThread(func, ...args) {
    this.calls += 1;
    try {
      return await inThread(func, this.lock, ...args);
    } finally {
      this.calls -= 1;
      if (this.unwanted) this.free();
    }
  }
}

// Of locks that the program no longer references. What works under one may still have its signal.
const forgotten = new FinalizationRegistry((handle) => {
  if (handle.lookForLoss !== null) handle.abort('the program no longer references it');
  handle.free();
});

export class Lock {
  #handle;
  #endWait = null; // of an acquire() that waits

  constructor(name, options) {
    this.name = given.name(name, 'lock');
    const lock = outWord();
    check(jeton.lock_open(lockOptions(given.options(options)), name, lock), `lock '${name}'`);
    this.#handle = new Handle(lock[0], name);
    forgotten.register(this, this.#handle, this.#handle);
  }

  /** Resolves to whether it was won. */
  async acquire(options) {
    const { timeout, signal } = given.options(options);
    given.signal(signal)?.throwIfAborted();
    const wait = timeout === undefined ? -1n : given.milliseconds(timeout, 'timeout');
    const handle = this.#open();
    handle.lookForLoss?.(); // what works under the lock hears of its loss before the lock is taken again
    this.#check(jeton.lock_start(handle.lock, wait));
    const lost = handle.lost = new AbortController();
    let status;
    try {
      status = await this.#outcome(signal);
    } catch (error) {
      // After a release() the lock may be waited for again.
      if (lost === handle.lost && handle.lock !== null) {
        handle.stopPolling();
        jeton.lock_release(handle.lock);
      }
      throw error;
    }
    if (status === LOCK_BUSY) return false;
    this.#check(status);
    this.#watch();
    return true;
  }

  tryAcquire() {
    return this.acquire({ timeout: 0 });
  }

  async release() {
    const handle = this.#open();
    this.#endWait?.(new JetonError('JETON_LOCK_NOT_HELD', `lock '${this.name}': release() ended the wait`, LOCK_NOT_HELD));
    handle.stopPolling();
    const { lost } = handle;
    const status = await handle.inThread(jeton.lock_release);
    if (status === LOCK_LOST) handle.abort(this.reason, lost);
    this.#check(status);
  }

  async extend(ttl) {
    const handle = this.#open();
    const { lost } = handle;
    const status = await handle.inThread(jeton.lock_extend, given.milliseconds(ttl, 'ttl'));
    if (status === LOCK_LOST) handle.abort(this.reason, lost);
    this.#check(status);
  }

  get held() {
    // Without consuming the event that an acquire() waits for.
    return this.#handle.lock !== null && jeton.lock_lost(this.#handle.lock) === 0;
  }

  /** Aborted at the loss; one for each time that it is taken. */
  get lost() {
    return this.#handle.lost.signal;
  }

  get fence() {
    return this.#fenceOf(null);
  }

  fenceOf(name) {
    return this.#fenceOf(given.name(name, 'lock'));
  }

  #fenceOf(name) {
    const fence = outNumber();
    this.#check(jeton.lock_fence(this.#open().lock, name, fence));
    return fence[0];
  }

  get owner() {
    const text = Buffer.alloc(65);
    this.#check(jeton.lock_owner(this.#open().lock, null, text, text.length));
    return textIn(text);
  }

  get reason() {
    return this.#handle.reason;
  }

  /** Releases it in whatever state it is; the object cannot be used any more. */
  async close() {
    const handle = this.#handle;
    if (handle.unwanted) return;
    this.#endWait?.(this.#closed());
    handle.stopPolling();
    forgotten.unregister(handle);
    if (jeton.lock_check(handle.lock) === OK) await handle.inThread(jeton.lock_release);
    handle.free();
  }

  #open() {
    if (this.#handle.unwanted) throw this.#closed();
    return this.#handle;
  }

  #closed() {
    return new JetonError('JETON_CLOSED', `lock '${this.name}' is closed`);
  }

  #check(status) {
    check(status, `lock '${this.name}'`, OF_THE_CALL.includes(status) ? '' : this.reason);
  }

  /** Calls back whenever there may be something new. */
  #onNews(callback, lookMs) {
    if (!isMainThread) {
      const timer = setInterval(callback, lookMs);
      this.#handle.poll = { close: () => clearInterval(timer) };
      return;
    }
    const fd = outInt();
    this.#check(jeton.lock_event_fd(this.#handle.lock, fd));
    this.#handle.poll = poll(fd[0], callback);
  }

  /** The status that the start comes to. */
  #outcome(signal) {
    return new Promise((resolve, reject) => {
      const onAbort = () => end(reject, signal.reason);
      const end = (settle, value) => {
        signal?.removeEventListener('abort', onAbort);
        this.#endWait = null;
        this.#handle.stopPolling();
        settle(value);
      };
      const look = () => {
        if (this.#handle.lock === null) return;
        const status = jeton.lock_check(this.#handle.lock);
        if (status !== LOCK_WAITING) end(resolve, status);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#endWait = (error) => end(reject, error);
      this.#onNews(look, LOOK_WAITING_MS);
      look();
    });
  }

  // Does not keep the lock reachable; but while it is held and reachable, the process goes on.
  #watch() {
    const handle = this.#handle;
    const look = () => {
      if (handle.lock !== null && jeton.lock_check(handle.lock) !== OK) handle.abort(handle.reason);
    };
    this.#onNews(look, LOOK_HELD_MS);
    handle.lookForLoss = look;
    look();
  }
}

if (Symbol.asyncDispose) Lock.prototype[Symbol.asyncDispose] = Lock.prototype.close;

/** Takes the lock; closing it releases it. */
export async function lock(name, wanted) {
  const { timeout, signal, ...options } = given.options(wanted);
  const taken = new Lock(name, options);
  try {
    if (await taken.acquire({ timeout, signal })) return taken;
    throw new JetonError('JETON_LOCK_BUSY', `lock '${name}': ${taken.reason || 'another owner holds it'}`, LOCK_BUSY);
  } catch (error) {
    await taken.close();
    throw error;
  }
}

/** Calls work(lock) while the lock is held. Rejects with JETON_LOCK_LOST if it was lost before work ended. */
export async function run(name, ttl, work, options) {
  given.callable(work, 'work');
  const taken = await lock(name, { ...given.options(options), ttl });
  try {
    const result = await work(taken);
    await taken.release().catch((error) => {
      if (error.code === 'JETON_LOCK_LOST') throw error;  // else no confirmation: the lock expires
    });
    return result;
  } finally {
    await taken.close();
  }
}

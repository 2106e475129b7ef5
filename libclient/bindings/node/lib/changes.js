// A token's changes in the event loop: libjeton's descriptor, polled by libuv while somebody waits. No thread.
import { check, closeSync, jeton, lookAbove, poll } from './library.js';
import { closed, JetonError } from './errors.js';

// An agent that died between its change and telling of it tells nobody; so look again at times.
const LOOK_MS = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Changes {
  #handle;
  #name;
  #waiters = new Set();
  #fd = -1;
  #poll = null;
  #timer = null;

  constructor(handle, name) {
    this.#handle = handle;
    this.#name = name;
  }

  /** Resolves to a generation above `generation`. */
  above(generation, { timeout, signal } = {}) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      let timer;
      const end = (settle, value) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#stop();
        settle(value);
      };
      const onAbort = () => end(reject, signal.reason);
      const waiter = {
        look: () => {
          try {
            const found = lookAbove(this.#handle, generation, `token '${this.#name}'`);
            if (found !== undefined) end(resolve, found);
          } catch (error) {
            end(reject, error);
          }
        },
        close: () => end(reject, closed(this.#name)),
      };
      try {
        if (this.#waiters.size === 0) this.#start();  // before the first look: no change is missed from here on
      } catch (error) {
        reject(error);
        return;
      }
      this.#waiters.add(waiter);
      waiter.look();
      if (!this.#waiters.has(waiter)) return;
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeout !== undefined && timeout <= LONGEST_TIMER_MS) {
        const late = () => end(reject, new JetonError('JETON_TIMED_OUT', `token '${this.#name}': not in time`, 4));
        timer = setTimeout(late, Math.max(timeout, 0));
      }
    });
  }

  close() {
    for (const waiter of [...this.#waiters]) waiter.close();
  }

  #start() {
    const fd = [-1];
    check(jeton.event_fd(this.#handle, fd), `token '${this.#name}'`);
    this.#fd = fd[0];
    this.#poll = poll(this.#fd, () => {
      // What goes wrong here goes wrong in the waiters' own look as well, where somebody hears of it.
      jeton.event_clear(this.#handle, this.#fd);
      this.#look();
    });
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  #look() {
    for (const waiter of [...this.#waiters]) waiter.look();
  }

  #stop() {
    clearInterval(this.#timer);
    this.#poll.close();
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

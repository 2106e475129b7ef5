// A token's changes in the event loop, without a thread: Node.js watches the directory of the segments while there are
// waiters. The agent touches a file's times behind each change. All tokens of a thread share libuv's one inotify instance;
// and it ends with a worker by itself, as koffi's poll handles do not.
import { statSync, watch } from 'node:fs';
import { resolve as absolute } from 'node:path';
import { closed, JetonError } from './errors.js';
import { lookAbove } from './library.js';

// An agent that died between its change and the event for it makes no event; so look again at times.
const LOOK_MS = 1000;
// Where nothing can be watched: there is no directory yet, or no inotify instance.
const UNWATCHED_MS = 100;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

let warned = false;

function warnOfLimit() {
  if (warned) return;
  warned = true;
  process.emitWarning(
    'this user has no inotify instance left (sysctl fs.inotify.max_user_instances), or no watch ' +
      '(fs.inotify.max_user_watches); tokens that are waited for are looked at ten times a second instead',
    { type: 'JetonWarning', code: 'JETON_NO_INOTIFY' },
  );
}

function inodeOf(path) {
  try {
    return statSync(path).ino;
  } catch {
    return null; // what it means is said by the waiters' own look
  }
}

export class Changes {
  #handle;
  #name;
  #directory;
  #waiters = new Set();
  #watcher = null;
  #inode = null;
  #timer = null;

  constructor(handle, name, directory) {
    this.#handle = handle;
    this.#name = name;
    this.#directory = absolute(directory || process.env.JETON_DIR || '/run/jeton', 'segments');
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
      this.#waiters.add(waiter);
      if (this.#waiters.size === 1) this.#follow(); // before the first look: no change is missed from here on
      waiter.look();
      if (!this.#waiters.has(waiter)) return;
      signal?.addEventListener('abort', onAbort, { once: true });
      if (timeout !== undefined && timeout <= LONGEST_TIMER_MS) {
        const late = () => end(reject, new JetonError('JETON_TIMED_OUT', `token '${this.#name}': not in time`, 4));
        timer = setTimeout(late, timeout);
      }
    });
  }

  close() {
    for (const waiter of [...this.#waiters]) waiter.close();
  }

  // Watches the directory that is there now, and comes back to see whether it still is.
  #follow() {
    const inode = inodeOf(this.#directory);
    if (this.#watcher === null || inode !== this.#inode) {
      this.#unwatch();
      this.#inode = inode;
      if (inode !== null) this.#watch();
    }
    this.#timer = setTimeout(
      () => {
        this.#follow();
        this.#look();
      },
      this.#watcher === null ? UNWATCHED_MS : LOOK_MS,
    );
  }

  #watch() {
    const failed = (error) => {
      if (['EMFILE', 'ENOSPC'].includes(error.code)) warnOfLimit();
      this.#unwatch();
    };
    try {
      this.#watcher = watch(this.#directory, (_, name) => {
        if (name === null || name === this.#name) this.#look();
      });
      this.#watcher.on('error', failed);
    } catch (error) {
      failed(error);
    }
  }

  #unwatch() {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #look() {
    for (const waiter of [...this.#waiters]) waiter.look();
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#unwatch();
  }
}

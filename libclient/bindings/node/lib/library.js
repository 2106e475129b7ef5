// libjeton.so.1 by koffi: its functions, by their names in jeton.h. Structs and outputs are bytes (memory.js).
import koffi from 'koffi';
import * as given from './arguments.js';
import { JetonError } from './errors.js';
import { LockOptions, Options, outNumber, View, WaitOptions } from './memory.js';

const lib = koffi.load(process.env.LIBJETON || 'libjeton.so.1');

export const jeton = {
  version: lib.func('const char *jeton_version()'),
  status_name: lib.func('const char *jeton_status_name(int status)'),
  status_text: lib.func('const char *jeton_status_text(int status)'),
  open: lib.func('int jeton_open(void *options, const char *name, void *token)'),
  close: lib.func('void jeton_close(void *token)'),
  inspect: lib.func('int jeton_inspect(void *token, void *info)'),
  reader_open: lib.func('int jeton_reader_open(void *token, void *reader)'),
  reader_close: lib.func('void jeton_reader_close(void *reader)'),
  current: lib.func('int jeton_current(void *reader, void *view)'),
  attribute_at: lib.func(
    'int jeton_attribute_at(void *view, size_t index, void *name, void *name_size, void *value, void *value_size)',
  ),
  wait: lib.func('int jeton_wait(void *token, void *options, void *generation)'),
  rejected: lib.func('int jeton_rejected(void *token, uint64_t generation, void *current)'),
  accepts: lib.func('int jeton_accepts(void *token, const void *presented, size_t size)'),
  list: lib.func('int jeton_list(void *options, void *buffer, size_t capacity, void *size, void *count)'),
  lock_open: lib.func('int jeton_lock_open(void *options, const char *name, void *lock)'),
  lock_close: lib.func('void jeton_lock_close(void *lock)'),
  lock_start: lib.func('int jeton_lock_start(void *lock, int64_t timeout_ms)'),
  lock_check: lib.func('int jeton_lock_check(void *lock)'),
  lock_lost: lib.func('int jeton_lock_lost(void *lock)'),
  lock_event_fd: lib.func('int jeton_lock_event_fd(void *lock, void *fd)'),
  lock_release: lib.func('int jeton_lock_release(void *lock)'),
  lock_extend: lib.func('int jeton_lock_extend(void *lock, int64_t ttl_ms)'),
  lock_fence: lib.func('int jeton_lock_fence(void *lock, const char *name, void *fence)'),
  lock_owner: lib.func('int jeton_lock_owner(void *lock, const char *name, void *buffer, size_t capacity)'),
  lock_reason: lib.func('int jeton_lock_reason(void *lock, void *buffer, size_t capacity)'),
  diagnose: lib.func('int jeton_diagnose(void *options, const char *name, void *diagnosis)'),
};

/** Addresses, for the end of the thread. */
export const address = {
  close: lib.symbol('jeton_close'),
  reader_close: lib.symbol('jeton_reader_close'),
  lock_close: lib.symbol('jeton_lock_close'),
};

export const OK = 0;
export const TIMED_OUT = 4;
export const BUFFER_TOO_SMALL = 5;
export const INVALID_ARGUMENT = 6;
export const MISMATCH = 8;
export const SYSTEM_ERROR = 21;
export const LOCK_BUSY = 25;
export const LOCK_WAITING = 26;
export const LOCK_LOST = 27;
export const LOCK_NOT_HELD = 28;
export const ALLOW_EXPIRED = 1;
export const ALLOW_MISSING = 2;
export const FLAG_EXPIRED = 2;
export const FLAG_REJECTED = 4;

/** `why` says more than the status, and so takes the place of its sentence. */
export function check(status, where, why) {
  if (status === OK) return;
  let text = `${where}: ${why || jeton.status_text(status)}`;
  if (status === SYSTEM_ERROR) text += ` (errno ${koffi.errno()})`;
  throw new JetonError(jeton.status_name(status), text, status);
}

export function options(directory, flags = 0) {
  return Options.make({ directory: given.text(directory, 'directory'), flags });
}

export function lockOptions({ ttl = 30_000, directory, retry = 0, metadata, also = [] }) {
  const more = given.names(also, 'also');
  return LockOptions.make({
    directory: given.text(directory, 'directory'),
    ttl_ms: given.milliseconds(ttl, 'ttl'),
    retry_ms: given.milliseconds(retry, 'retry'),
    metadata: given.text(metadata, 'metadata'),
    also: more,
    also_count: BigInt(more.length),
  });
}

/** One look, without a wait: the generation above `generation`, or undefined if there is none. */
export function lookAbove(token, generation, where) {
  const found = outNumber();
  const status = jeton.wait(token, WaitOptions.make({ generation }), found);
  if (status === TIMED_OUT) return undefined;
  check(status, where);
  return found[0];
}

/** A call that asks the agent, for a second at most: in a thread of the pool, not in the event loop. */
export function inThread(func, ...args) {
  return new Promise((resolve, reject) => {
    func.async(...args, (error, status) => {
      args.length = 0; // until here they are reachable: C reads and writes some
      if (error) reject(error);
      else resolve(status);
    });
  });
}

export const textAt = (address, size) => (size ? koffi.decode.string(address, Number(size)) : '');

const viewed = [
  'generation', 'issued_at_ms', 'expires_at_ms', 'flags', 'value', 'value_size', 'type', 'type_size', 'origin', 'origin_size',
];
export const viewAt = (address) => View.readAt(address, viewed);

/**
 * What distinguishes one state of the token from another: its generation, times and flags. The same token, given again with
 * other attributes, keeps its generation and has another time of issue. As UTF-16, in which any bits are a text: koffi reads
 * that in one call, which is cheaper than two numbers.
 */
export const markAt = View.span('generation', 'reserved', (at, size) => koffi.decode.string16(at, size / 2));

export const poll = (fd, callback) => koffi.node.poll(fd, { readable: true }, callback);

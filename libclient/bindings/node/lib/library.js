// libjeton.so.1 by koffi: its structs and its functions. The names are those of jeton.h.
import koffi from 'koffi';
import * as given from './arguments.js';
import { JetonError } from './errors.js';

const lib = koffi.load(process.env.LIBJETON || 'libjeton.so.1');

koffi.opaque('jeton_token');
koffi.opaque('jeton_reader');
koffi.struct('jeton_options', { size: 'size_t', directory: 'const char *', flags: 'uint32_t' });
koffi.struct('jeton_info', {
  size: 'size_t',
  generation: 'uint64_t',
  issued_at_ms: 'int64_t',
  expires_at_ms: 'int64_t',
  previous_generation: 'uint64_t',
  previous_accept_until_ms: 'int64_t',
  heartbeat_ms: 'int64_t',
  heartbeat_age_ms: 'int64_t',
  value_size: 'size_t',
  flags: 'uint32_t',
  type: koffi.array('char', 68, 'String'),
});
// The strings are addresses: they have a size, and may hold a NUL.
const View = koffi.struct('jeton_view', {
  size: 'size_t',
  generation: 'uint64_t',
  issued_at_ms: 'int64_t',
  expires_at_ms: 'int64_t',
  flags: 'uint32_t',
  reserved: 'uint32_t',
  value: 'void *',
  value_size: 'size_t',
  type: 'void *',
  type_size: 'size_t',
  previous_generation: 'uint64_t',
  previous_accept_until_ms: 'int64_t',
  previous_value: 'void *',
  previous_value_size: 'size_t',
  origin: 'void *',
  origin_size: 'size_t',
  attributes: 'void *',
  attributes_size: 'size_t',
});
koffi.struct('jeton_wait_options', {
  size: 'size_t',
  generation: 'uint64_t',
  timeout_ms: 'int64_t',
  cancel: 'void *',
});
koffi.opaque('jeton_lock');
koffi.struct('jeton_lock_options', {
  size: 'size_t',
  directory: 'const char *',
  ttl_ms: 'int64_t',
  retry_ms: 'int64_t',
  metadata: 'const char *',
  also: 'const char **',
  also_count: 'size_t',
});
koffi.struct('jeton_diagnosis', { size: 'size_t', token: 'int', agent: 'int', heartbeat_age_ms: 'int64_t' });

export const jeton = {
  version: lib.func('const char *jeton_version()'),
  status_name: lib.func('const char *jeton_status_name(int status)'),
  status_text: lib.func('const char *jeton_status_text(int status)'),
  open: lib.func('int jeton_open(jeton_options *options, const char *name, _Out_ jeton_token **token)'),
  close: lib.func('void jeton_close(jeton_token *token)'),
  inspect: lib.func('int jeton_inspect(jeton_token *token, _Inout_ jeton_info *info)'),
  reader_open: lib.func('int jeton_reader_open(jeton_token *token, _Out_ jeton_reader **reader)'),
  reader_close: lib.func('void jeton_reader_close(jeton_reader *reader)'),
  current: lib.func('int jeton_current(jeton_reader *reader, _Out_ void **view)'),
  attribute_at: lib.func(
    'int jeton_attribute_at(void *view, size_t index, _Out_ void **name, _Out_ size_t *name_size, ' +
      '_Out_ void **value, _Out_ size_t *value_size)',
  ),
  wait: lib.func('int jeton_wait(jeton_token *token, jeton_wait_options *options, _Out_ uint64_t *generation)'),
  rejected: lib.func('int jeton_rejected(jeton_token *token, uint64_t generation, _Out_ uint64_t *current)'),
  accepts: lib.func('int jeton_accepts(jeton_token *token, const void *presented, size_t size)'),
  list: lib.func(
    'int jeton_list(jeton_options *options, _Out_ uint8_t *buffer, size_t capacity, _Inout_ size_t *size, void *count)',
  ),
  lock_open: lib.func('int jeton_lock_open(jeton_lock_options *options, const char *name, _Out_ jeton_lock **lock)'),
  lock_close: lib.func('void jeton_lock_close(jeton_lock *lock)'),
  lock_start: lib.func('int jeton_lock_start(jeton_lock *lock, int64_t timeout_ms)'),
  lock_check: lib.func('int jeton_lock_check(jeton_lock *lock)'),
  lock_event_fd: lib.func('int jeton_lock_event_fd(jeton_lock *lock, _Out_ int *fd)'),
  lock_release: lib.func('int jeton_lock_release(jeton_lock *lock)'),
  lock_extend: lib.func('int jeton_lock_extend(jeton_lock *lock, int64_t ttl_ms)'),
  lock_fence: lib.func('int jeton_lock_fence(jeton_lock *lock, const char *name, _Out_ uint64_t *fence)'),
  lock_owner: lib.func('int jeton_lock_owner(jeton_lock *lock, const char *name, _Out_ uint8_t *buffer, size_t capacity)'),
  lock_reason: lib.func('int jeton_lock_reason(jeton_lock *lock, _Out_ uint8_t *buffer, size_t capacity)'),
  diagnose: lib.func('int jeton_diagnose(jeton_options *options, const char *name, _Inout_ jeton_diagnosis *diagnosis)'),
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
  return { size: koffi.sizeof('jeton_options'), directory: given.text(directory, 'directory'), flags };
}

export function lockOptions({ ttl = 30_000, directory, retry = 0, metadata, also = [] }) {
  const more = given.names(also, 'also');
  return {
    size: koffi.sizeof('jeton_lock_options'),
    directory: given.text(directory, 'directory'),
    ttl_ms: given.milliseconds(ttl, 'ttl'),
    retry_ms: given.milliseconds(retry, 'retry'),
    metadata: given.text(metadata, 'metadata'),
    also: more,
    also_count: more.length,
  };
}

/** A struct of the given name with its size set and nothing else. */
export function emptyInfo() {
  return {
    size: koffi.sizeof('jeton_info'),
    generation: 0, issued_at_ms: 0, expires_at_ms: 0, previous_generation: 0, previous_accept_until_ms: 0,
    heartbeat_ms: 0, heartbeat_age_ms: 0, value_size: 0, flags: 0, type: '',
  };
}

/** One look, without a wait: the generation above `generation`, or undefined if there is none. */
export function lookAbove(token, generation, where) {
  const wait = { size: koffi.sizeof('jeton_wait_options'), generation, timeout_ms: 0, cancel: null };
  const found = [0];
  const status = jeton.wait(token, wait, found);
  if (status === TIMED_OUT) return undefined;
  check(status, where);
  return BigInt(found[0]);
}

/** A call that asks the agent, for a second at most: in a thread of the pool, not in the event loop. */
export function inThread(func, ...args) {
  return new Promise((resolve, reject) => {
    func.async(...args, (error, status) => (error ? reject(error) : resolve(status)));
  });
}

export const textAt = (address, size) => (size ? koffi.decode.string(address, size) : '');
export const viewAt = (address) => koffi.decode(address, View);
const offset = Object.fromEntries(
  ['generation', 'expires_at_ms', 'flags'].map((name) => [name, BigInt(koffi.offsetof(View, name))]),
);
/** What tells one state of the token from another: much cheaper than the whole view. */
export function isSameView(address, view) {
  return (
    koffi.decode.uint64(address + offset.generation) === view.generation &&
    koffi.decode.int64(address + offset.expires_at_ms) === view.expires_at_ms &&
    koffi.decode.uint32(address + offset.flags) === view.flags
  );
}
export const poll = (fd, callback) => koffi.node.poll(fd, { readable: true }, callback);
export const sizeOfDiagnosis = () => koffi.sizeof('jeton_diagnosis');

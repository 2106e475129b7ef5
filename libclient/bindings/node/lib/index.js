// jeton for Node.js: read the tokens that jeton-agent keeps for this host, take locks. The contract is in index.d.ts.
import * as given from './arguments.js';
import { BUFFER_TOO_SMALL, check, inThread, jeton, options } from './library.js';
import { Diagnosis, outWord } from './memory.js';
import { Token } from './token.js';

export { JetonError } from './errors.js';
export { Lock, lock, run } from './lock.js';
export { Token } from './token.js';
export { TokenValue } from './value.js';

export function open(name, options) {
  return new Token(name, options);
}

export async function* watch(name, wanted) {
  const { signal, ...options } = given.options(wanted);
  const token = new Token(name, { allowMissing: true, ...options });
  try {
    yield* token.watch({ signal });
  } finally {
    token.close();
  }
}

export function list(wanted) {
  const { directory } = given.options(wanted);
  const where = options(directory);
  const size = outWord();
  for (let capacity = 512; ; capacity = Number(size[0])) {
    const names = Buffer.alloc(capacity);
    const status = jeton.list(where, names, names.length, size, null);
    if (status === BUFFER_TOO_SMALL) continue;
    check(status, directory ?? 'tokens');
    return names.toString('utf8', 0, Number(size[0])).split('\0').slice(0, -1);
  }
}

export async function diagnose(name, wanted) {
  const { directory } = given.options(wanted);
  given.name(name, 'token');
  const bytes = Diagnosis.make({ heartbeat_age_ms: -1n });
  check(await inThread(jeton.diagnose, options(directory), name, bytes), `token '${name}'`);
  const found = Diagnosis.read(bytes);
  return {
    token: jeton.status_name(found.token),
    agent: jeton.status_name(found.agent),
    heartbeatAge: found.heartbeat_age_ms < 0 ? null : Number(found.heartbeat_age_ms),
  };
}

export function libraryVersion() {
  return jeton.version();
}

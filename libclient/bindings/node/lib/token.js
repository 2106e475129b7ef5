// Token: one token of this host.
import { Changes } from './changes.js';
import { closed, JetonError } from './errors.js';
import {
  ALLOW_EXPIRED, ALLOW_MISSING, check, emptyInfo, inThread, isSameView, jeton, MISMATCH, OK, options, viewAt,
} from './library.js';
import { infoOf, TokenValue } from './value.js';

// What the library gave out, and how many calls in threads still use it.
class Handles {
  token = null;
  reader = null;
  calls = 0;
  unwanted = false;

  free() {
    this.unwanted = true;
    if (this.calls > 0 || this.token === null) return;
    jeton.reader_close(this.reader);
    jeton.close(this.token);
    this.token = this.reader = null;
  }

  async inThread(func, ...args) {
    this.calls += 1;
    try {
      return await inThread(func, this.token, ...args);
    } finally {
      this.calls -= 1;
      if (this.unwanted) this.free();
    }
  }
}

// Of tokens that nobody closed.
const forgotten = new FinalizationRegistry((handles) => handles.free());

export class Token {
  #handles = new Handles();
  #changes;
  #last = null;
  #where;

  constructor(name, { directory, allowExpired = false, allowMissing = false } = {}) {
    this.name = name;
    this.#where = `token '${name}'`;
    const flags = (allowExpired ? ALLOW_EXPIRED : 0) | (allowMissing ? ALLOW_MISSING : 0);
    const token = [null], reader = [null];
    check(jeton.open(options(directory, flags), name, token), this.#where);
    const status = jeton.reader_open(token[0], reader);
    if (status !== OK) jeton.close(token[0]);
    check(status, this.#where);
    this.#handles.token = token[0];
    this.#handles.reader = reader[0];
    this.#changes = new Changes(token[0], name);
    forgotten.register(this, this.#handles, this.#handles);
  }

  get closed() {
    return this.#handles.unwanted;
  }

  current() {
    const address = this.#address();
    if (this.#last === null || !isSameView(address, this.#last.view)) {
      const view = viewAt(address);
      this.#last = { view, value: new TokenValue(view, address) };
    }
    return this.#last.value;
  }

  read() {
    const address = this.#address();
    return new TokenValue(viewAt(address), address);
  }

  info() {
    const info = emptyInfo();
    check(jeton.inspect(this.#open().token, info), this.#where);
    return infoOf(info);
  }

  header() {
    return { authorization: this.current().authorization };
  }

  waitValid(options = {}) {
    return this.waitChange(0n, options);
  }

  async waitChange(generation, options = {}) {
    this.#open();
    return this.#changes.above(BigInt(generation), options);
  }

  async *watch({ signal } = {}) {
    let seen = 0n;
    for (;;) {
      await this.waitChange(seen, { signal });
      let value;
      try {
        value = this.current();
      } catch (error) {
        // It ran out at this very moment, or is being replaced.
        if (error instanceof JetonError && ['JETON_EXPIRED', 'JETON_BUSY', 'JETON_NO_TOKEN'].includes(error.code)) continue;
        throw error;
      }
      seen = value.generation;
      yield value;
    }
  }

  async rejected(generation) {
    const current = [0];
    check(await this.#open().inThread(jeton.rejected, BigInt(generation), current), this.#where);
    return BigInt(current[0]);
  }

  accepts(presented) {
    const bytes = typeof presented === 'string' ? Buffer.from(presented) : presented;
    // Koffi passes an empty array as NULL.
    const status = jeton.accepts(this.#open().token, bytes.length > 0 ? bytes : Buffer.alloc(1), bytes.length);
    if (status === MISMATCH) return false;
    check(status, this.#where);
    return true;
  }

  close() {
    if (this.closed) return;
    this.#changes.close();
    forgotten.unregister(this.#handles);
    this.#last = null;
    this.#handles.free();
  }

  #open() {
    if (this.closed) throw closed(this.name);
    return this.#handles;
  }

  #address() {
    const found = [null];
    check(jeton.current(this.#open().reader, found), this.#where);
    return found[0];
  }
}

// Node.js 18 knows no Symbol.dispose; what calls it there (a transpiler) defines the symbol first.
if (Symbol.dispose) Token.prototype[Symbol.dispose] = Token.prototype.close;

// Token: one token of this host.
import * as given from './arguments.js';
import { Changes } from './changes.js';
import { atEnd, notAtEnd } from './environment.js';
import { closed, JetonError } from './errors.js';
import {
  address, ALLOW_EXPIRED, ALLOW_MISSING, check, inThread, jeton, markAt, MISMATCH, OK, options, viewAt,
} from './library.js';
import { Info, outNumber, outWord } from './memory.js';
import { infoOf, valueOf } from './value.js';

// What the library gave out, and how many calls in threads and waits still use it.
class Handles {
  token = null;
  reader = null;
  calls = 0;
  unwanted = false;

  constructor(token, reader) {
    this.token = token;
    this.reader = reader;
    atEnd(address.close, token);
    atEnd(address.reader_close, reader);
  }

  free() {
    this.unwanted = true;
    if (this.calls > 0 || this.token === null) return;
    notAtEnd(address.reader_close, this.reader);
    notAtEnd(address.close, this.token);
    jeton.reader_close(this.reader);
    jeton.close(this.token);
    this.token = this.reader = null;
  }

  /** Keeps them until `call` has ended, though the program may have forgotten their Token. */
  async during(call) {
    this.calls += 1;
    try {
      return await call();
    } finally {
      this.calls -= 1;
      if (this.unwanted) this.free();
    }
  }
}

// Of tokens that the program did not close.
const forgotten = new FinalizationRegistry((handles) => handles.free());

export class Token {
  #handles;
  #changes;
  #last = null;
  #found = outWord();
  #where;

  constructor(name, wanted) {
    const { directory, allowExpired, allowMissing } = given.options(wanted);
    this.name = given.name(name, 'token');
    this.#where = `token '${name}'`;
    const flags =
      (given.flag(allowExpired, 'allowExpired') ? ALLOW_EXPIRED : 0) |
      (given.flag(allowMissing, 'allowMissing') ? ALLOW_MISSING : 0);
    const token = outWord(), reader = outWord();
    check(jeton.open(options(directory, flags), name, token), this.#where);
    const status = jeton.reader_open(token[0], reader);
    if (status !== OK) jeton.close(token[0]);
    check(status, this.#where);
    this.#handles = new Handles(token[0], reader[0]);
    this.#changes = new Changes(token[0], name, directory);
    forgotten.register(this, this.#handles, this.#handles);
  }

  get closed() {
    return this.#handles.unwanted;
  }

  current() {
    const found = this.#view();
    const mark = markAt(found);
    if (this.#last?.mark !== mark) this.#last = { mark, value: valueOf(viewAt(found), found) };
    return this.#last.value;
  }

  read() {
    const found = this.#view();
    return valueOf(viewAt(found), found);
  }

  info() {
    const info = Info.make();
    check(jeton.inspect(this.#open().token, info), this.#where);
    return infoOf(Info.read(info));
  }

  header() {
    return { authorization: this.current().authorization };
  }

  waitValid(options) {
    return this.waitChange(0n, options);
  }

  async waitChange(generation, options) {
    const handles = this.#open();
    const { timeout, signal } = given.options(options);
    const above = given.generation(generation);
    const limits = { timeout: given.timeout(timeout), signal: given.signal(signal) };
    return handles.during(() => this.#changes.above(above, limits));
  }

  async *watch(options) {
    const { signal } = given.options(options);
    let seen = 0n;
    for (;;) {
      await this.waitChange(seen, { signal });
      let value;
      try {
        value = this.current();
      } catch (error) {
        // It has just expired, or is being replaced.
        const gone = ['JETON_EXPIRED', 'JETON_BUSY', 'JETON_NO_TOKEN', 'JETON_NOT_FOUND'];
        if (!(error instanceof JetonError && gone.includes(error.code))) throw error;
        continue;
      }
      seen = value.generation;
      yield value;
    }
  }

  async rejected(generation) {
    const current = outNumber();
    const handles = this.#open();
    const rejected = given.generation(generation);
    check(await handles.during(() => inThread(jeton.rejected, handles.token, rejected, current)), this.#where);
    return current[0];
  }

  accepts(presented) {
    const bytes = given.bytes(presented, 'presented');
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

  #view() {
    check(jeton.current(this.#open().reader, this.#found), this.#where);
    return this.#found[0];
  }
}

// Node.js 18 knows no Symbol.dispose; what calls it there (a transpiler) defines the symbol first.
if (Symbol.dispose) Token.prototype[Symbol.dispose] = Token.prototype.close;

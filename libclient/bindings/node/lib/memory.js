// What C reads and writes, as bytes. Koffi is given numbers, strings, addresses and typed arrays, and never an object or
// an array of JavaScript: it reads their elements by calls that fail while a worker is being terminated, and then goes on
// with what it did not get, which ends the process (koffi 3.3.4).
import { endianness } from 'node:os';
import koffi from 'koffi';

const LITTLE = endianness() === 'LE';
const WORD = koffi.sizeof('void *'); // also of size_t

// An integer as DataView calls it, and as koffi.decode does, which reads one at an address.
const integer = (size, name, decoded) => ({
  size,
  align: size,
  get: (view, at) => view[`get${name}`](at, LITTLE),
  set: (view, at, value) => view[`set${name}`](at, value, LITTLE),
  at: koffi.decode[decoded],
});
const u32 = integer(4, 'Uint32', 'uint32');
const i32 = integer(4, 'Int32', 'int32');
const u64 = integer(8, 'BigUint64', 'uint64');
const i64 = integer(8, 'BigInt64', 'int64');
const word = WORD === 8 ? u64 : { ...u32, set: (view, at, value) => u32.set(view, at, Number(value)) };
const characters = (size) => ({
  size,
  align: 1,
  get: (view, at) => textIn(new Uint8Array(view.buffer, view.byteOffset + at, size)),
});

/** The text up to its NUL. */
export function textIn(bytes) {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = text.indexOf(0);
  return text.toString('utf8', 0, end < 0 ? text.length : end);
}

class Struct {
  #fields = {};

  constructor(fields) {
    let end = 0, align = 1;
    for (const [name, type] of Object.entries(fields)) {
      const offset = Math.ceil(end / type.align) * type.align;
      this.#fields[name] = { ...type, offset, behind: BigInt(offset) };
      end = offset + type.size;
      align = Math.max(align, type.align);
    }
    this.size = Math.ceil(end / align) * align;
  }

  /**
   * The bytes of one, all zero but its size and `values`: numbers, and for pointers a text, an array of texts or null,
   * which are kept behind the struct.
   */
  make(values = {}) {
    const pieces = [];
    let end = Math.ceil(this.size / WORD) * WORD;
    const keep = (bytes) => {
      const at = end;
      pieces.push([at, bytes]);
      end = Math.ceil((at + bytes.length) / WORD) * WORD;
      return at;
    };
    const pointers = []; // [where, to what]
    const keepText = (text) => keep(Buffer.from(`${text}\0`));
    for (const [name, value] of Object.entries(values)) {
      const { offset } = this.#fields[name];
      if (typeof value === 'string') pointers.push([offset, keepText(value)]);
      if (Array.isArray(value) && value.length > 0) {
        const table = keep(Buffer.alloc(value.length * WORD));
        pointers.push([offset, table], ...value.map((text, i) => [table + i * WORD, keepText(text)]));
      }
    }
    const bytes = Buffer.alloc(end);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (const [at, piece] of pieces) bytes.set(piece, at);
    const base = pointers.length > 0 ? koffi.address(bytes) : 0n;
    for (const [at, to] of pointers) word.set(view, at, base + BigInt(to));
    word.set(view, this.#fields.size.offset, BigInt(this.size));
    for (const [name, value] of Object.entries(values)) {
      const { offset, set } = this.#fields[name];
      if (typeof value === 'number' || typeof value === 'bigint') set(view, offset, value);
    }
    return bytes;
  }

  /** The fields of one that make() made and C filled. */
  read(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const found = {};
    for (const name in this.#fields) found[name] = this.#fields[name].get(view, this.#fields[name].offset);
    return found;
  }

  /** The named fields of the one at an address. */
  readAt(address, names) {
    const found = {};
    for (const name of names) found[name] = this.#fields[name].at(address + this.#fields[name].behind);
    return found;
  }

  /** A function that calls read(address, size) for the fields from `first` to the one before `end`. */
  span(first, end, read) {
    const { offset, behind } = this.#fields[first];
    const size = this.#fields[end].offset - offset;
    return (address) => read(address + behind, size);
  }
}

export const Options = new Struct({ size: word, directory: word, flags: u32 });
export const Info = new Struct({
  size: word,
  generation: u64,
  issued_at_ms: i64,
  expires_at_ms: i64,
  previous_generation: u64,
  previous_accept_until_ms: i64,
  heartbeat_ms: i64,
  heartbeat_age_ms: i64,
  value_size: word,
  flags: u32,
  type: characters(68),
});
export const View = new Struct({
  size: word,
  generation: u64,
  issued_at_ms: i64,
  expires_at_ms: i64,
  flags: u32,
  reserved: u32,
  value: word,
  value_size: word,
  type: word,
  type_size: word,
  previous_generation: u64,
  previous_accept_until_ms: i64,
  previous_value: word,
  previous_value_size: word,
  origin: word,
  origin_size: word,
});
export const WaitOptions = new Struct({ size: word, generation: u64, timeout_ms: i64, cancel: word });
export const LockOptions = new Struct({
  size: word,
  directory: word,
  ttl_ms: i64,
  retry_ms: i64,
  metadata: word,
  also: word,
  also_count: word,
});
export const Diagnosis = new Struct({ size: word, token: i32, agent: i32, heartbeat_age_ms: i64 });

/** Room for one number or address that a function gives out; [0] is it. */
export const outWord = () => (WORD === 8 ? new BigUint64Array(1) : new Uint32Array(1));
export const outNumber = () => new BigUint64Array(1);
export const outInt = () => new Int32Array(1);

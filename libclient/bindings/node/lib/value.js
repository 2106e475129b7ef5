// What a token is at one moment: with its value (TokenValue), and without. Neither shows a secret to util.inspect,
// String() or JSON.stringify.
import { FLAG_EXPIRED, FLAG_REJECTED, jeton, OK, textAt } from './library.js';
import { outWord } from './memory.js';

// Only this module makes one: a view holds addresses.
const made = Symbol();

export class TokenValue {
  #value;
  #attributes;

  constructor(key, view, address) {
    if (key !== made) throw new TypeError('a TokenValue comes from a Token');
    this.generation = BigInt(view.generation);
    this.type = textAt(view.type, view.type_size);
    this.issuedAt = new Date(Number(view.issued_at_ms));
    this.expiresAt = new Date(Number(view.expires_at_ms));
    this.expired = (view.flags & FLAG_EXPIRED) !== 0;
    this.rejected = (view.flags & FLAG_REJECTED) !== 0;
    this.origin = textAt(view.origin, view.origin_size);
    this.#value = textAt(view.value, view.value_size);
    this.#attributes = Object.freeze(attributesAt(address));
    Object.freeze(this);
  }

  get value() {
    return this.#value;
  }

  get attributes() {
    return this.#attributes;
  }

  get authorization() {
    return `${this.type || 'Bearer'} ${this.#value}`;
  }

  toString() {
    return `[TokenValue of generation ${this.generation}]`;
  }

  toJSON() {
    return { ...this, generation: String(this.generation) };
  }
}

export const valueOf = (view, address) => new TokenValue(made, view, address);

function attributesAt(view) {
  const found = Object.create(null);
  const name = outWord(), nameSize = outWord(), value = outWord(), valueSize = outWord();
  for (let i = 0; jeton.attribute_at(view, i, name, nameSize, value, valueSize) === OK; ++i) {
    found[textAt(name[0], nameSize[0])] = textAt(value[0], valueSize[0]);
  }
  return found;
}

export function infoOf(raw) {
  const previous = BigInt(raw.previous_generation);
  return Object.freeze({
    generation: BigInt(raw.generation),
    type: raw.type,
    issuedAt: new Date(Number(raw.issued_at_ms)),
    expiresAt: new Date(Number(raw.expires_at_ms)),
    expired: (raw.flags & FLAG_EXPIRED) !== 0,
    rejected: (raw.flags & FLAG_REJECTED) !== 0,
    valueSize: Number(raw.value_size),
    previousGeneration: previous === 0n ? null : previous,
    previousAcceptUntil: previous === 0n ? null : new Date(Number(raw.previous_accept_until_ms)),
    heartbeatAge: raw.heartbeat_age_ms < 0 ? null : Number(raw.heartbeat_age_ms),
  });
}

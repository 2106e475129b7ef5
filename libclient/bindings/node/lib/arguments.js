// What callers pass, checked before libjeton sees it: koffi would hand a number to C as an address. A TypeError or
// RangeError with the codes of Node.js' own; an impossible name is a JetonError.
import { JetonError } from './errors.js';

const INVALID_ARGUMENT = 6;
const LARGEST_GENERATION = 2n ** 64n - 1n;
// Milliseconds, as libjeton adds them to a clock: 292 million years count as no limit.
const LONGEST_MS = 2n ** 62n;

function typeError(what, expected, value) {
  const found = value === null ? 'null' : typeof value;
  return Object.assign(new TypeError(`${what} must be ${expected}, not ${found}`), { code: 'ERR_INVALID_ARG_TYPE' });
}

function rangeError(what, expected, value) {
  return Object.assign(new RangeError(`${what} must be ${expected}, not ${value}`), { code: 'ERR_OUT_OF_RANGE' });
}

/** Of a token or lock. C would take it for its part before a NUL. */
export function name(value, what) {
  if (typeof value !== 'string') throw typeError(`the name of a ${what}`, 'a string', value);
  if (value.includes('\0')) {
    const text = `${what} '${value.replaceAll('\0', '\\0')}': invalid argument`;
    throw new JetonError('JETON_INVALID_ARGUMENT', text, INVALID_ARGUMENT);
  }
  return value;
}

/** A path or another text that may be missing. */
export function text(value, what) {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') throw typeError(what, 'a string', value);
  if (value.includes('\0')) {
    throw Object.assign(new TypeError(`${what} must be without null bytes`), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  return value;
}

export function names(value, what) {
  if (!Array.isArray(value)) throw typeError(what, 'an array of strings', value);
  return value.map((one) => name(one, 'lock'));
}

/** The object with the named options. */
export function options(value) {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null) throw typeError('options', 'an object', value);
  return value;
}

export function flag(value, what) {
  if (value !== undefined && typeof value !== 'boolean') throw typeError(what, 'a boolean', value);
  return value === true;
}

export function generation(value) {
  if (typeof value !== 'bigint' && typeof value !== 'number') throw typeError('generation', 'a bigint or a number', value);
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw rangeError('generation', 'a safe integer', value);
  const number = BigInt(value);
  if (number < 0n || number > LARGEST_GENERATION) throw rangeError('generation', 'between 0 and 2n ** 64n - 1n', value);
  return number;
}

/** Milliseconds as a bigint, rounded up; negative ones are over already. */
export function milliseconds(value, what) {
  if (typeof value !== 'number') throw typeError(what, 'a number of milliseconds', value);
  if (Number.isNaN(value)) throw rangeError(what, 'a number of milliseconds', value);
  if (value >= Number(LONGEST_MS)) return LONGEST_MS;
  return BigInt(Math.max(Math.ceil(value), 0));
}

/** milliseconds() as a number, or undefined: no limit. */
export function timeout(value) {
  return value === undefined ? undefined : Number(milliseconds(value, 'timeout'));
}

export function signal(value) {
  if (value === undefined) return value;
  // As Node.js does, so that an AbortSignal of another realm will do.
  if (typeof value !== 'object' || value === null || typeof value.aborted !== 'boolean' || !value.addEventListener) {
    throw typeError('signal', 'an AbortSignal', value);
  }
  return value;
}

export function bytes(value, what) {
  if (typeof value === 'string') return Buffer.from(value);
  if (!(value instanceof Uint8Array)) throw typeError(what, 'a string or a Uint8Array', value);
  return value;
}

export function callable(value, what) {
  if (typeof value !== 'function') throw typeError(what, 'a function', value);
  return value;
}

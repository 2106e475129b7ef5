// jeton for Node.js: read the tokens that jeton-agent keeps for this host.
//
// Durations are milliseconds. Generations are bigint; a number is taken as well. Failures are JetonError; an argument of
// another type is a TypeError, an impossible one a RangeError, both with a code of Node.js' own (ERR_INVALID_ARG_TYPE).
//
// Worker threads: tokens and locks belong to the worker that made them, and are released when it ends in any way.

/** Every failure that libjeton reports. */
export class JetonError extends Error {
  /** The name of the status in jeton.h, "JETON_EXPIRED"; "JETON_CLOSED" for a token that was closed. */
  readonly code: string;
  /** The number of the status; -1 for JETON_CLOSED. */
  readonly status: number;
}

export interface OpenOptions {
  /** The agent's runtime_dir; default: $JETON_DIR if set, else /run/jeton. */
  directory?: string;
  /** Reads also return an expired token. */
  allowExpired?: boolean;
  /** Open even if there is no such token yet; reads throw JETON_NOT_FOUND until then, waits wait. */
  allowMissing?: boolean;
}

export interface WaitOptions {
  /** Then JETON_TIMED_OUT; default: no limit. */
  timeout?: number;
  /** Ends the wait with the signal's reason. */
  signal?: AbortSignal;
}

/** A token without its value. */
export interface TokenInfo {
  readonly generation: bigint;
  /** "Bearer"; empty if the provider names none. */
  readonly type: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly expired: boolean;
  readonly rejected: boolean;
  /** Bytes. */
  readonly valueSize: number;
  readonly previousGeneration: bigint | null;
  /** The previous token is acceptable until then. */
  readonly previousAcceptUntil: Date | null;
  /** Since the agent's last heartbeat; null: none yet. */
  readonly heartbeatAge: number | null;
}

/** A token as one consistent piece. util.inspect, String() and JSON.stringify show neither value nor attributes. */
export class TokenValue {
  private constructor();
  readonly generation: bigint;
  readonly type: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  /** Only seen with allowExpired. */
  readonly expired: boolean;
  /** A user of it was refused by the provider; a newer one is on its way. */
  readonly rejected: boolean;
  /** The host that fetched it. */
  readonly origin: string;
  /** The secret. */
  get value(): string;
  get attributes(): Readonly<Record<string, string>>;
  /** The value of an Authorization header. Secret. */
  get authorization(): string;
}

/** One token of this host. Closed by close(), by `using`, or when it is no longer reachable. */
export class Token {
  constructor(name: string, options?: OpenOptions);
  readonly name: string;
  get closed(): boolean;
  /** No system call, no network, no wait; the same object while nothing changed. */
  current(): TokenValue;
  /** As current(), but a new copy. */
  read(): TokenValue;
  /** Also of a token that expired. */
  info(): TokenInfo;
  /** {authorization: "Bearer ..."} of the current token. Secret. */
  header(): { authorization: string };
  /** Resolves to the generation once there is a valid token. */
  waitValid(options?: WaitOptions): Promise<bigint>;
  /** Resolves to the generation of a valid token above `generation`. Uses no thread. */
  waitChange(generation: bigint | number, options?: WaitOptions): Promise<bigint>;
  /** The current token, then each that replaces it, without end. */
  watch(options?: { signal?: AbortSignal }): AsyncGenerator<TokenValue, never, void>;
  /**
   * Reports that the provider said 401 to the token of this generation; resolves to the generation current now. If that
   * is higher, read again; otherwise waitChange(generation) waits for the one that is fetched, once for the fleet.
   * JETON_NO_AGENT, JETON_NO_PERMISSION, JETON_AGENT_REFUSED, JETON_NO_TOKEN; within a second.
   */
  rejected(generation: bigint | number): Promise<bigint>;
  /** Whether `presented` is the current token, or the previous one within its overlap; in constant time. */
  accepts(presented: string | Uint8Array): boolean;
  /** Waits end with JETON_CLOSED. Closing twice does nothing. */
  close(): void;
}
// Where the compiler's library knows Symbol.dispose, `using token = open(...)` closes it.
export interface Token extends JetonDisposable {}
type JetonDisposable = SymbolConstructor extends { readonly dispose: infer S extends symbol } ? { [K in S]: () => void } : {};

export interface LockOptions {
  /** How long it stays locked after the death of this host, in milliseconds; 30000. */
  ttl?: number;
  /** The agent's runtime_dir; $JETON_DIR if set, else /run/jeton. */
  directory?: string;
  /** When waiting, look again that often besides being woken. */
  retry?: number;
  /** Shown with the holder (jetonctl lock show). */
  metadata?: string;
  /** More locks, all or none. */
  also?: string[];
}
/**
 * A lock that one process of the whole fleet holds at a time. It can be lost while it is held: give `lost` to what works
 * under it, and have the resource refuse a fence lower than one that it has seen.
 */
export class Lock {
  /** Contacts no agent yet. JETON_INVALID_ARGUMENT. */
  constructor(name: string, options?: LockOptions);
  readonly name: string;
  /**
   * Resolves to whether it was won before `timeout` (milliseconds; no limit without one). Uses no thread. JETON_NO_AGENT,
   * JETON_NO_PERMISSION, JETON_AGENT_REFUSED, JETON_LOCK_LIMIT, JETON_LOCK_UNAVAILABLE. release() ends the wait with
   * JETON_LOCK_NOT_HELD, close() with JETON_CLOSED. The agent hears of a wait that is ended, also by `signal`, a moment
   * later, and may just have taken the lock: a try right afterwards may then find it busy.
   */
  acquire(options?: WaitOptions): Promise<boolean>;
  tryAcquire(): Promise<boolean>;
  /** JETON_LOCK_LOST: it was not held until now. JETON_LOCK_NOT_HELD; JETON_NO_AGENT: it expires. */
  release(): Promise<void>;
  /** Replaces the TTL, from now on and for the renewals to come. JETON_LOCK_LOST, JETON_LOCK_NOT_HELD. */
  extend(ttl: number): Promise<void>;
  readonly held: boolean;
  /**
   * Aborted at the loss, with a JetonError as its reason; a new one for each time that the lock is taken. A held lock that
   * the program no longer references is released when it is collected, which is a loss: keep the object.
   */
  readonly lost: AbortSignal;
  /** Rises with every acquisition by any client. */
  readonly fence: bigint;
  /** That of one of several locks. */
  fenceOf(name: string): bigint;
  /** A client that knows it can release the lock. */
  readonly owner: string;
  /** Why it was refused or lost, in a sentence. */
  readonly reason: string;
  /** Releases it in whatever state it is. Closing twice does nothing. */
  close(): Promise<void>;
}
// Where the compiler's library knows Symbol.asyncDispose, `await using held = await lock(...)` closes it.
export interface Lock extends JetonAsyncDisposable {}
type JetonAsyncDisposable = SymbolConstructor extends { readonly asyncDispose: infer S extends symbol }
  ? { [K in S]: () => Promise<void> }
  : {};

/** Waits for the lock and resolves to it; JETON_LOCK_BUSY: not before `timeout`. */
export function lock(name: string, options?: LockOptions & WaitOptions): Promise<Lock>;
/** Calls work(lock) while the lock is held, and gives what that gives. JETON_LOCK_LOST: lost before it ended. */
export function run<T>(
  name: string,
  ttl: number,
  work: (lock: Lock) => T | Promise<T>,
  options?: Omit<LockOptions, 'ttl'> & WaitOptions,
): Promise<T>;

/** JETON_NOT_FOUND, JETON_NO_PERMISSION, JETON_INVALID_ARGUMENT, or what was refused about the segment. */
export function open(name: string, options?: OpenOptions): Token;
/** The current token, then each that replaces it, also if there is none yet; the token is closed with the loop. */
export function watch(name: string, options?: OpenOptions & { signal?: AbortSignal }): AsyncGenerator<TokenValue, void, void>;
/** The tokens that have a segment here, sorted, readable by this user or not. */
export function list(options?: { directory?: string }): string[];
/** What is the matter with a token and, apart, with the agent; asks the agent, for a second at most. */
export function diagnose(
  name: string,
  options?: { directory?: string },
): Promise<{ token: string; agent: string; heartbeatAge: number | null }>;
/** Version of the libjeton in use, "0.1.0". */
export function libraryVersion(): string;

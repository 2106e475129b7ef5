// What a TypeScript user writes; only compiled.
import { JetonError, list, lock, open, run, watch, type TokenInfo, type TokenValue } from 'jeton';

export async function use(signal: AbortSignal): Promise<string> {
  const token = open('api', { directory: '/run/jeton', allowMissing: true });
  const value: TokenValue = token.current();
  const info: TokenInfo = token.info();
  const next: bigint = await token.waitChange(value.generation, { timeout: 100, signal });
  const current: bigint = await token.rejected(next);
  for await (const newer of watch('api', { signal })) if (newer.generation > current) break;
  await fetch('http://127.0.0.1/', { headers: token.header() });
  // @ts-expect-error a token has no such thing
  token.secret;
  // @ts-expect-error made by the library only
  value.generation = 1n;
  const code: (e: JetonError) => string = (e) => e.code;
  const held = await lock('nightly', { ttl: 30_000, timeout: 100, signal, also: ['other'] });
  const fence: bigint = await run('nightly', 30_000, async (inner) => inner.fence);
  await fetch('http://127.0.0.1/', { signal: held.lost, headers: { fence: `${fence}` } });
  await held.close();
  token.close();
  return `${list().join()} ${info.expiresAt.toISOString()} ${token.accepts(value.value)} ${code}`;
}

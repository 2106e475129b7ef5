// fetch with a jeton token: adds the header, reports a 401, tries once more with a newer token.
//
//   const fetch = authorizedFetch(jeton.open('wechat'));
//   const response = await fetch('https://api.example.com/', { method: 'POST', body });
import { JetonError } from 'jeton';

/**
 * @param {import('jeton').Token} token
 * @param {{ patience?: number }} [options] patience: milliseconds to wait for the newer token before the 401 is handed out
 * @returns {typeof fetch}
 */
export function authorizedFetch(token, { patience = 5000 } = {}) {
  return async (input, init) => {
    const request = new Request(input, init);
    const again = request.clone(); // its body can be sent a second time
    const value = token.current();
    request.headers.set('authorization', value.authorization);
    const response = await fetch(request);
    if (response.status !== 401) return response;
    try {
      if ((await token.rejected(value.generation)) <= value.generation) {
        await token.waitChange(value.generation, { timeout: patience, signal: request.signal });
      }
      again.headers.set('authorization', token.current().authorization);
    } catch (error) {
      if (error instanceof JetonError) return response; // the caller sees the 401; the agents go on
      throw error;
    }
    await response.body?.cancel();
    return fetch(again);
  };
}

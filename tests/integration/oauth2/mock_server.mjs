// oauth2-mock-server, with what it leaves out: it authenticates no client and knows no assertion. Both are checked here
// with jose, so with an implementation that is not ours, before the mock server sees the request.
//
//   node mock_server.mjs [CERTIFICATE KEY CLIENT_AUTHORITY]      with files: https that asks for a client certificate
//
// Prints "listening on PORT". POST /control takes JSON:
//   client   {id, secret, key (public, PEM), algorithm, subject (of its certificate, or of an assertion), auth}   who is let in, and how
//   skew     seconds that this server's clock is ahead
//   reply    {status, body, headers, times}    instead of the answer (event beforeResponse, beforeRevoke)
//   claims   {...} of the next tokens (event beforeTokenSigning); drop_expires_in: true takes expires_in out
//   rotate   true: a new key signs from now on
// GET /seen: [{path, form, authorization}] of what came; GET /verify?token=...: its claims, or 401.
import { createServer as plain } from 'node:http';
import { createServer as tls } from 'node:https';
import { readFileSync } from 'node:fs';
import { OAuth2Server } from 'oauth2-mock-server';
import { createSecretKey } from 'node:crypto';
import { createLocalJWKSet, importSPKI, jwtVerify } from 'jose';

const [certificate, key, authority] = process.argv.slice(2);
const mock = new OAuth2Server();
await mock.issuer.keys.generate('RS256');
const state = { client: {}, skew: 0, seen: [], jtis: new Set() };

const now = () => new Date(Date.now() + state.skew * 1000);
const refused = (error, error_description) => Object.assign(new Error(error), { status: 400, error, error_description });

async function verified(jwt, subject) {
  const { client } = state;
  const by = client.key ? await importSPKI(client.key, client.algorithm) : createSecretKey(Buffer.from(client.secret));
  const { payload } = await jwtVerify(jwt, by, {
    currentDate: now(), audience: `${mock.issuer.url}/token`, issuer: client.id, subject, algorithms: [client.algorithm],
    requiredClaims: ['iat', 'exp', 'nbf', 'jti'],
  });
  if (payload.iat > now() / 1000) throw new Error('issued in the future');
  if (state.jtis.has(payload.jti)) throw new Error('the assertion was used before');
  state.jtis.add(payload.jti);
  return payload;
}

async function authenticate(req, form) {
  const { client } = state;
  const header = req.headers.authorization ?? '';
  const decoded = (text) => decodeURIComponent(text.replaceAll('+', ' '));
  let good = false;
  let why = 'no such client';
  if (client.auth === 'client_secret_basic') {
    const [id, secret] = Buffer.from(header.replace(/^Basic /, ''), 'base64').toString().split(':').map(decoded);
    good = id === client.id && secret === client.secret && form.client_secret === undefined;
  } else if (client.auth === 'client_secret_post') {
    good = form.client_id === client.id && form.client_secret === client.secret && !header;
  } else if (client.auth === 'client_secret_jwt' || client.auth === 'private_key_jwt') {
    good = form.client_assertion_type === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
    await verified(form.client_assertion, client.id).catch((e) => { good = false; why = e.message; });
  } else if (client.auth === 'tls_client_auth') {
    good = req.socket.authorized === true && form.client_id === client.id;
    good &&= req.socket.getPeerCertificate().subjectaltname === client.subject;
  } else {
    good = client.auth === 'none' && !header;
  }
  if (!good) throw Object.assign(refused('invalid_client', why), { status: 401 });
}

async function grant(form) {
  const urn = 'urn:ietf:params:oauth:';
  if (form.grant_type === `${urn}grant-type:jwt-bearer`) {
    await verified(form.assertion, state.client.subject).catch((e) => { throw refused('invalid_grant', e.message); });
    form.grant_type = 'client_credentials';
  } else if (form.grant_type === `${urn}grant-type:token-exchange`) {
    if (form.subject_token_type !== `${urn}token-type:access_token`) throw refused('invalid_request', 'of what type?');
    await own(form.subject_token).catch((e) => { throw refused('invalid_grant', e.message); });
    form.grant_type = 'client_credentials';
  }
}

const own = async (token) => (await jwtVerify(token, createLocalJWKSet({ keys: mock.issuer.keys.toJSON() }))).payload;

async function read(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text;
}

function json(res, status, body, headers = {}) {
  res.writeHead(status, { 'content-type': 'application/json', ...headers });
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function control(text) {
  const order = JSON.parse(text);
  Object.assign(state, order);
  if (order.rotate) {
    const fresh = await mock.issuer.keys.generate('RS256');
    // Only the newest signs; the others still verify.
    mock.issuer.keys.get = () => fresh;
  }
}

mock.service.on('beforeTokenSigning', (token) => Object.assign(token.payload, state.claims));
function inject(answer, req) {
  if (state.drop_expires_in) delete answer.body?.expires_in;
  if (!state.reply?.times) return;
  state.reply.times -= 1;
  answer.statusCode = state.reply.status;
  answer.body = state.reply.body;
  for (const [name, value] of Object.entries(state.reply.headers ?? {})) req.res.set(name, value);
}
mock.service.on('beforeResponse', inject);
mock.service.on('beforeRevoke', inject);

async function handle(req, res) {
  const url = new URL(req.url, mock.issuer.url);
  const text = await read(req);
  if (url.pathname === '/control') {
    await control(text);
    return json(res, 200, {});
  }
  if (url.pathname === '/seen') return json(res, 200, state.seen);
  if (url.pathname === '/verify') {
    return own(url.searchParams.get('token')).then((claims) => json(res, 200, claims), () => json(res, 401, {}));
  }
  const form = Object.fromEntries(new URLSearchParams(text));
  state.seen.push({ path: url.pathname, form: { ...form }, authorization: req.headers.authorization ?? '' });
  if (url.pathname === '/token' || url.pathname === '/revoke') {
    try {
      await authenticate(req, form);
      if (url.pathname === '/token') await grant(form);
    } catch (e) {
      if (!e.error) throw e;
      const { error, error_description } = e;
      return json(res, e.status, { error, error_description }, e.status === 401 ? { 'www-authenticate': 'Basic' } : {});
    }
  }
  // The body is read: the mock server takes what is there.
  req.body = form;
  mock.service.requestHandler(req, res);
}

const listener = (req, res) => handle(req, res).catch((e) => json(res, 500, { error: String(e) }));
const server = certificate
  ? tls({ cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(authority), requestCert: true,
          rejectUnauthorized: false }, listener)
  : plain(listener);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  mock.issuer.url = `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`;
  console.log(`listening on ${port}`);
});

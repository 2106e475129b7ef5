// A provider with TLS: HTTP/2 and HTTP/1.1, client certificates on demand. Answers every request with a token and what
// it saw of the request.
//   node provider.mjs '{"host": "127.0.0.1", "cert": PEM, "key": PEM, "ca": PEM, "http1_only": false, "close": false}'
// Without cert it speaks HTTP/1.1 in the clear, or HTTP/2 with h2c; with ca it takes only clients whose certificate that authority signed.
// With close every answer ends its connection.
// The first line of its output is its port.
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const options = JSON.parse(process.argv[2]);

function answer(request, response) {
  const seen = {
    http_version: request.httpVersion,
    user_agent: request.headers['user-agent'],
    host: request.headers[':authority'] ?? request.headers.host,
    client: request.socket.getPeerCertificate?.()?.subject?.CN ?? null,
    client_key: request.socket.getPeerCertificate?.()?.fingerprint256 ?? null,
    from: request.socket.remoteAddress,
  };
  response.setHeader('Content-Type', 'application/json');
  if (options.close) response.setHeader('Connection', 'close');
  response.end(JSON.stringify({access_token: 'token-over-network', expires_in: 3600, seen}));
}

const tls = {
  key: options.key, cert: options.cert, ca: options.ca, requestCert: Boolean(options.ca), rejectUnauthorized: Boolean(options.ca),
};
const server = options.h2c        ? http2.createServer(answer)
             : !options.cert      ? http.createServer(answer)
             : options.http1_only ? https.createServer(tls, answer)
                                  : http2.createSecureServer({...tls, allowHTTP1: true}, answer);
server.listen(0, options.host ?? '127.0.0.1', () => console.log(server.address().port));

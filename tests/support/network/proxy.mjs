// A proxy for HTTP (CONNECT and absolute URLs) or SOCKS5, with or without a password. Whatever name it is asked for, it
// connects to this host: names of the tests exist nowhere else.
//   node proxy.mjs '{"socks": false, "user": "u", "password": "p", "cert": PEM, "key": PEM}'
// The first line of its output is its port, each further one what it was asked for.
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';

const options = JSON.parse(process.argv[2]);

function allowed(request) {
  if (!options.user) return true;
  const expected = 'Basic ' + Buffer.from(`${options.user}:${options.password}`).toString('base64');
  return request.headers['proxy-authorization'] === expected;
}

function join(client, port, greeting) {
  const upstream = net.connect(port, '127.0.0.1', () => {
    client.write(greeting);
    upstream.pipe(client);
    client.pipe(upstream);
  });
  upstream.on('error', () => client.destroy());
  client.on('error', () => upstream.destroy());
}

function http_proxy() {
  const forward = (request, response) => {
    if (!allowed(request)) return response.writeHead(407).end();
    const url = new URL(request.url);
    console.log(`${request.method} ${url.host}`);
    const sent = http.request({port: url.port, host: '127.0.0.1', path: url.pathname, headers: {host: url.host}},
                              (answer) => { response.writeHead(answer.statusCode); answer.pipe(response); });
    sent.end();
  };
  const server = options.cert ? https.createServer({cert: options.cert, key: options.key}, forward)
                              : http.createServer(forward);
  server.on('connect', (request, client) => {
    if (!allowed(request)) return client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
    console.log(`CONNECT ${request.url}`);
    join(client, Number(request.url.slice(request.url.lastIndexOf(':') + 1)), 'HTTP/1.1 200 Connected\r\n\r\n');
  });
  return server;
}

// RFC 1928 and 1929, one message a packet: clients wait for each answer.
function socks_proxy() {
  return net.createServer((client) => {
    client.on('error', () => {});
    client.once('data', () => {
      client.write(Buffer.from([5, options.user ? 2 : 0]));
      const request = () => client.once('data', (data) => {
        const name = data[3] === 3 ? data.subarray(5, 5 + data[4]).toString() : [...data.subarray(4, 8)].join('.');
        const port = data.readUInt16BE(data.length - 2);
        console.log(`SOCKS ${name}:${port}`);
        join(client, port, Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
      });
      if (!options.user) return request();
      client.once('data', (data) => {
        const user = data.subarray(2, 2 + data[1]).toString();
        const good = user === options.user && data.subarray(3 + data[1]).toString() === options.password;
        client.write(Buffer.from([1, good ? 0 : 1]));
        if (good) request(); else client.end();
      });
    });
  });
}

const server = options.socks ? socks_proxy() : http_proxy();
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

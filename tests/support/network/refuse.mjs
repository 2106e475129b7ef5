// A server of HTTP/2 that refuses the first request of all unseen (REFUSED_STREAM) and answers the others.
//   node refuse.mjs '{}'
// The first line of its output is its port; then "asked" for each request.
import http2 from 'node:http2';

let is_first = true;
const server = http2.createServer();
server.on('stream', (stream) => {
  console.log('asked');
  stream.on('error', () => {});
  if (is_first) {
    is_first = false;
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
    return;
  }
  stream.respond({':status': 200});
  stream.end('{}');
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

// A server that begins an answer and never ends it, in the way that `kind` names. It answers every request.
//   node flood.mjs '{"kind": "interim"}'
// The first line of its output is its port; then "asked" for each request, and "closed" for each connection that ended.
import net from 'node:net';

const {kind} = JSON.parse(process.argv[2]);

const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const chunked = head + 'Transfer-Encoding: chunked\r\n\r\n';

// HTTP/1.1: what comes once, and what comes without end.
const plain = {
  interim: ['', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  header_lines: [head, 'X-Filler: 1\r\n'],
  header_line: [head + 'X-Filler: ', 'aaaaaaaaaaaaaaaa'],
  trailers: [chunked + '2\r\n{}\r\n0\r\n', 'X-Filler: 1\r\n'],
  trailer_line: [chunked + '2\r\n{}\r\n0\r\nX-Filler: ', 'aaaaaaaaaaaaaaaa'],
  chunk_extension: [chunked + '1;', 'aaaaaaaaaaaaaaaa'],
  thin_chunks: [chunked, '1;' + 'a'.repeat(1000) + '\r\n \r\n'],
  dribble: [head + 'Content-Length: 100000\r\n\r\n', ' '],
};

// HTTP/2, RFC 9113 section 4.1.
function frame(type, flags, stream, payload = []) {
  const bytes = Buffer.alloc(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  Buffer.from(payload).copy(bytes, 9);
  return bytes;
}
const DATA = 0, HEADERS = 1, SETTINGS = 4, PING = 6, CONTINUATION = 9;
const ACK = 1, END_HEADERS = 4;
const status_200 = [0x88];  // of the static table of HPACK
const begin = [frame(SETTINGS, ACK, 0), frame(HEADERS, END_HEADERS, 1, status_200)];
const body = frame(DATA, 0, 1, Buffer.from('{}'));
const framed = {
  h2_headers: [[...begin, body], frame(HEADERS, END_HEADERS, 1, status_200)],
  h2_interim: [[begin[0]], frame(HEADERS, END_HEADERS, 1, [0x08, 0x03, 0x31, 0x30, 0x33])],
  h2_trailers: [[...begin, body], frame(HEADERS, END_HEADERS, 1, [0x00, 0x01, 0x61, 0x01, 0x62])],
  h2_empty_data: [[...begin, body], frame(DATA, 0, 1)],
  h2_padded_data: [[...begin, body], frame(DATA, 8, 1, [3, 0, 0, 0])],
  h2_ping: [begin, frame(PING, 0, 0, Buffer.alloc(8))],
  h2_settings: [begin, frame(SETTINGS, 0, 0)],
  h2_continuation: [[begin[0], frame(HEADERS, 0, 1, status_200)], frame(CONTINUATION, 0, 1)],
};

const is_framed = kind in framed;
const [once, again] = is_framed ? [Buffer.concat(framed[kind][0]), framed[kind][1]]
                                : plain[kind].map((text) => Buffer.from(text));
const piece = kind === 'dribble' ? again : Buffer.concat(Array(Math.ceil(65536 / again.length)).fill(again));

function flood(socket) {
  if (socket.destroyed) return;
  if (kind === 'dribble') {
    socket.write(piece);
    setTimeout(flood, 20, socket);
  } else {
    socket.write(piece, () => setImmediate(flood, socket));  // not at once: node would see nothing else any more
  }
}

// Whether a whole request is there: its headers, or the frame with them behind the preface of 24 bytes.
function is_asked(bytes) {
  if (!is_framed) return bytes.includes('\r\n\r\n');
  for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === HEADERS) return true;
  }
  return false;
}

const server = net.createServer((socket) => {
  let bytes = Buffer.alloc(0);
  let asked = false;
  if (is_framed) socket.write(frame(SETTINGS, 0, 0));
  socket.on('error', () => {});
  socket.on('close', () => console.log('closed'));
  socket.on('data', (data) => {
    if (asked) return;
    bytes = Buffer.concat([bytes, data]);
    asked = is_asked(bytes);
    if (!asked) return;
    console.log('asked');
    socket.write(once);
    flood(socket);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

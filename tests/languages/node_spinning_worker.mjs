// A worker that does nothing but call libjeton, with structs (node_worker_test.mjs).
import { parentPort } from 'node:worker_threads';
import * as jeton from 'jeton';

const token = jeton.open('api');
parentPort.postMessage('ready');
for (;;) {
  token.info();
  jeton.list();
  new jeton.Lock('spinning', { metadata: 'of a test', also: ['spinning-2', 'spinning-3'] }).close();
}

// A worker that holds and waits for every object of the library, and ends in the named way (node_worker_test.mjs).
import { parentPort, workerData } from 'node:worker_threads';
import * as jeton from 'jeton';

process.on('warning', (warning) => parentPort.postMessage({ warning: String(warning) }));
const { lock: name, end } = workerData;
const token = jeton.open('api');
const { generation } = token.current();
// A wait that is over: its descriptor is closed in the worker.
await token.waitChange(generation, { timeout: 1 }).catch(() => {});
const held = await jeton.lock(name);
token.waitChange(generation + 10n ** 12n).catch(() => {});
new jeton.Lock(name).acquire().catch(() => {});

if (end === 'close') {
  token.close();
  await held.close();
}
parentPort.postMessage({ ready: true });
if (end === 'throw') setImmediate(() => { throw new RangeError('its own'); });
if (end === 'exit' || end === 'close') setImmediate(() => process.exit(0));

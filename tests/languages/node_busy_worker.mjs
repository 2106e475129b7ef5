// A worker in the middle of calls of every kind, that says so at each turn (node_worker_test.mjs).
import { parentPort, workerData } from 'node:worker_threads';
import * as jeton from 'jeton';

const token = jeton.open('api');
const turn = () => parentPort.postMessage('turn');

async function lockAgainAndAgain() {
  for (;;) {
    const lock = await jeton.lock(workerData.lock);
    turn();
    await lock.extend(5000);
    await lock.close();
  }
}

async function askAgainAndAgain() {
  for (;;) {
    await token.rejected(1n);
    await jeton.diagnose('api');
    turn();
  }
}

async function openAgainAndAgain() {
  for (;;) {
    const other = jeton.open('api');
    await other.waitValid();
    other.close();
    await new Promise(setImmediate);
    turn();
  }
}

lockAgainAndAgain();
lockAgainAndAgain();
askAgainAndAgain();
openAgainAndAgain();

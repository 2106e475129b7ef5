// What libjeton gave to this thread is given back when the thread ends, also a worker that is terminated or throws: no
// JavaScript runs then, and no finalizer. Node.js calls its clean-up hooks, which are functions of C with one argument;
// those of libjeton that close something are.
import koffi from 'koffi';

const node = koffi.load(null);
const add = node.func('int napi_add_env_cleanup_hook(void *env, void *func, void *argument)');
const remove = node.func('int napi_remove_env_cleanup_hook(void *env, void *func, void *argument)');

/** Calls the C function at `func` with `argument` (an address) at the end of this thread, the latest first. */
export function atEnd(func, argument) {
  add(koffi.node.env, func, argument);
}

/** No more. */
export function notAtEnd(func, argument) {
  remove(koffi.node.env, func, argument);
}

import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * Runs dynalite in a thread of its own: it does not compete with the loop for the event loop, and it ends with the process.
 * Posts `{port}` when it listens or `{code, message}` when it cannot, and closes the store on the message `stop`.
 */
const require = createRequire(import.meta.url);
const dynalite = require('dynalite');
const { Level } = createRequire(require.resolve('dynalite'))('level');
const port = parentPort;
if (port === null)
  throw new Error('database-worker runs only as a worker thread; use startDatabase of local/database.ts');

const fail = (error: unknown): void => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'UNKNOWN';
  port.postMessage({ code, message: cause instanceof Error ? cause.message : String(cause) });
};
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

/** How long the thread may take to end by itself after its store is closed, in milliseconds. */
const LINGER_MS = 500;

const options: { path?: string; port: number } = workerData;

const serve = async (): Promise<void> => {
  if (options.path !== undefined) {
    // dynalite leaves requests unanswered where it cannot open its store, so the lock is tried first.
    const store = new Level(options.path);
    await store.open();
    await store.close();
  }
  const server = dynalite({
    ...(options.path === undefined ? {} : { path: options.path }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  server.keepAliveTimeout = 0;
  server.on('error', fail);
  server.listen(options.port, '127.0.0.1', () => port.postMessage({ port: server.address().port }));
  port.on('message', (message) => {
    if (message !== 'stop') return;
    server.closeAllConnections();
    // The callback may run inside the store's native one: to end the thread there pulls it from under it. It ends by itself once
    // nothing is left to wait for, or from a timer, where nothing native is under way.
    server.close(() => {
      port.close();
      setTimeout(() => process.exit(0), LINGER_MS).unref();
    });
  });
};
serve().catch(fail);

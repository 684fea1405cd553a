import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

/**
 * Runs dynalite in a thread of its own: it does not compete with the loop for the event loop, and it ends with the process.
 * Posts `{port}` when it listens or `{code, message}` when it cannot, and closes the store on the message `stop`. `POST /faults`
 * with `{"throttle": 0.2}` has it refuse that share of requests for items as a table does that is asked too much; 0 ends it.
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

const options: { path?: string; port: number; throttle?: number } = workerData;

/** Requests for items, which a table that is asked too much refuses; making and listing tables is not among them. */
const OF_ITEMS = /\.(GetItem|BatchGetItem|Query|Scan|PutItem|UpdateItem|DeleteItem|BatchWriteItem)$/u;
const REFUSAL = JSON.stringify({
  __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  message: 'the local database refuses a share of requests on purpose: POST /faults {"throttle": 0} ends it',
});

/** Puts itself before the server: refuses a share of requests, and takes orders how large it is. */
const withFaults = (server: Server): void => {
  let throttle = options.throttle ?? 0;
  const answer = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'POST' && request.url === '/faults') {
      void orderOf(request).then((wanted) => {
        if (wanted !== undefined) throttle = wanted;
        response.writeHead(wanted === undefined ? 400 : 200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify(wanted === undefined ? { error: 'send {"throttle": a share from 0 to 1}' } : { throttle }),
        );
      });
      return;
    }
    if (Math.random() < throttle && OF_ITEMS.test(String(request.headers['x-amz-target']))) {
      request.resume();
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(REFUSAL);
      return;
    }
    for (const listener of answer) listener.call(server, request, response);
  });
};

const LONGEST_ORDER = 1_000;

const orderOf = async (request: IncomingMessage): Promise<number | undefined> => {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > LONGEST_ORDER) return undefined;
  }
  try {
    const order: unknown = JSON.parse(text);
    const share = typeof order === 'object' && order !== null && 'throttle' in order ? order.throttle : undefined;
    return typeof share === 'number' && share >= 0 && share <= 1 ? share : undefined;
  } catch {
    return undefined;
  }
};

/** Where dynalite keeps what it knows of its tables, in its store. */
const TABLE_KEYS = { gte: 'table~', lt: 'table~\xFF' } as const;

/**
 * dynalite answers that a table is made before it notes it as usable. A process that is killed between leaves a table that takes
 * no request and that cannot be deleted either. It holds nothing yet, so it is forgotten and made anew.
 */
const forgetHalfMadeTables = async (store: HalfOpenStore): Promise<void> => {
  for await (const [key, table] of store.iterator(TABLE_KEYS)) {
    if (table.TableStatus === 'CREATING') await store.del(key);
  }
};

interface HalfOpenStore {
  iterator(range: typeof TABLE_KEYS): AsyncIterable<[string, { readonly TableStatus?: string }]>;
  del(key: string): Promise<void>;
}

/** How long the thread may take to end by itself after its store is closed, in milliseconds. */
const LINGER_MS = 500;

const serve = async (): Promise<void> => {
  if (options.path !== undefined) {
    // dynalite leaves requests unanswered where it cannot open its store, so the lock is tried first.
    const store = new Level(options.path, { valueEncoding: 'json' });
    await store.open();
    await forgetHalfMadeTables(store);
    await store.close();
  }
  const server = dynalite({
    ...(options.path === undefined ? {} : { path: options.path }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  });
  withFaults(server);
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

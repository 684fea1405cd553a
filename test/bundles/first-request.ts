/**
 * The first request of a function, as Lambda makes it: a clean process, the bundle's own handler, one event. Prints one JSON
 * document on the last line: milliseconds until the handler was there, and what it returned or threw. The lines before it are what
 * the function itself printed.
 *
 * Arguments: bundle, event as JSON.
 */
const [bundle = '', event = '{}'] = process.argv.slice(2);
const startedMs = performance.now();
const { handler } = await import(bundle);
const loadedMs = Math.round(performance.now() - startedMs);

try {
  const returned = await handler(JSON.parse(event), { awsRequestId: 'first', getRemainingTimeInMillis: () => 30_000 });
  process.stdout.write(JSON.stringify({ loadedMs, returned: returned ?? null }));
} catch (error) {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  process.stdout.write(JSON.stringify({ loadedMs, threw: { name, code, message } }));
}
process.exit();

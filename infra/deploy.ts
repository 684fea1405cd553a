import { cdkCall, firstSteps, runCdk } from './deployment.ts';

/** `npm run deploy -- --stage dev|prod [--yes]` and `npm run destroy -- --stage dev|prod [--yes]`. */
const main = async (): Promise<void> => {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb !== 'deploy' && verb !== 'destroy') throw new Error(`deploy or destroy, got ${verb ?? 'nothing'}`);
  const call = cdkCall(verb, rest);
  process.exitCode = await runCdk(call);
  if (process.exitCode !== 0) console.error(`\n${firstSteps(call.stage)}`);
};

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
});

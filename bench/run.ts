import { Command } from 'commander';
import { textTable } from '#shared/application/text-table.ts';
import { customerCpu } from './customer-cpu.ts';
import { importRows } from './import-rows.ts';
import type { Bench, Figure } from './measurement.ts';
import { recompute } from './recompute.ts';

const BENCHES: Readonly<Record<string, Bench>> = { 'customer-cpu': customerCpu, 'import-rows': importRows, recompute };

interface Options {
  readonly customers: string;
  readonly pairs: string;
  readonly json?: boolean;
}

const whole = (name: string, text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`--${name} must be a whole number of at least 1, got ${JSON.stringify(text)}`);
  }
  return value;
};

const program = new Command('bench')
  .description('Benchmarks: ratios of two things measured by turns in one run. They report and never fail.')
  .argument('[name...]', `which: ${Object.keys(BENCHES).join(', ')}; all by default`)
  .option('--customers <n>', 'invented customers', '10000')
  .option('--pairs <n>', 'pairs of measurements', '9')
  .option('--json', 'one JSON document on stdout');

program.parse();
const options = program.opts<Options>();
const wanted = program.args.length === 0 ? Object.keys(BENCHES) : program.args;
const settings = { customers: whole('customers', options.customers), pairs: whole('pairs', options.pairs) };
const results: (Figure & { readonly bench: string })[] = [];
for (const name of wanted) {
  const bench = BENCHES[name];
  if (bench === undefined) {
    throw new Error(`there is no benchmark ${JSON.stringify(name)}; there are ${Object.keys(BENCHES).join(', ')}`);
  }
  const progress = (what: string): void => void process.stderr.write(`${name}: ${what}\n`);
  for (const figure of await bench(settings, progress)) results.push({ bench: name, ...figure });
}

const shown = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
if (options.json === true) process.stdout.write(`${JSON.stringify({ ...settings, results }, null, 2)}\n`);
else {
  const rows = results.map((one) => [
    one.bench,
    one.name,
    `${shown(one.actual)} ${one.unit}`,
    one.budget === null ? '' : `≤ ${one.budget}`,
    one.budget === null ? '' : one.actual <= one.budget ? 'within' : 'over',
    one.note ?? '',
  ]);
  process.stdout.write(
    `${textTable([['bench', 'figure', 'measured', 'budget', '', ''], ...rows], ['left', 'left', 'right', 'right'])}\n`,
  );
}

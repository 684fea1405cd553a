import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { PermanentError } from '#shared/errors.ts';

const MACHINES = ['resegmentation', 'survey-wave', 'import'] as const;
export type MachineName = (typeof MACHINES)[number];

const KeySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const Table = z.object({
  TableName: z.string(),
  BillingMode: z.literal('PAY_PER_REQUEST'),
  KeySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.literal('S') })),
  GlobalSecondaryIndexes: z.optional(
    z.array(z.object({ IndexName: z.string(), KeySchema, Projection: z.object({ ProjectionType: z.literal('ALL') }) })),
  ),
});

const Synthesis = z.object({
  /** As CreateTable takes them. */
  tables: z.array(Table),
  machines: z.object({
    resegmentation: z.object({ arn: z.string(), definition: z.unknown() }),
    'survey-wave': z.object({ arn: z.string(), definition: z.unknown() }),
    import: z.object({ arn: z.string(), definition: z.unknown() }),
  }),
  /** Function name, which is the file's in functions/, by the ARN that the definitions have. */
  functionArns: z.record(z.string(), z.string()),
});
/** What the local stack takes from the synthesized templates of stage `local`. */
export type Synthesis = z.infer<typeof Synthesis>;

export interface SynthesizeOptions {
  /** Where results are kept; by default `.local/synthesis` of the project. */
  readonly cacheDir?: string;
}

const PROJECT_ROOT = join(import.meta.dirname, '..');
/** What a template is made of; a change there makes a new one. */
const SOURCES = ['infra', 'shared/contracts', 'local/synthesis.ts', 'package-lock.json'] as const;
const REGION = 'us-east-1';
const ACCOUNT = '000000000000';
const NAME_PREFIX = 'resegment-local-';

/**
 * Synthesizes stage `local` with `infra/app.ts` in a process of its own and reads the templates, with every reference
 * resolved to a name that is the same each time. The result is kept under a hash of the sources, so that a later start
 * takes milliseconds.
 */
export const synthesize = async (options: SynthesizeOptions = {}): Promise<Synthesis> => {
  const cacheDir = options.cacheDir ?? join(PROJECT_ROOT, '.local', 'synthesis');
  const file = join(cacheDir, `${hashOfSources()}.json`);
  const kept = readKept(file);
  if (kept !== undefined) return kept;
  const outdir = mkdtempSync(join(tmpdir(), 'resegment-synthesis-'));
  try {
    await promisify(execFile)(process.execPath, ['infra/app.ts', '--stage', 'local', '--out', outdir], {
      cwd: PROJECT_ROOT,
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    const synthesis = readTemplates([
      readTemplate(join(outdir, 'Resegment-local-Data.template.json')),
      readTemplate(join(outdir, 'Resegment-local-Loop.template.json')),
    ]);
    mkdirSync(cacheDir, { recursive: true });
    for (const old of readdirSync(cacheDir)) if (old.endsWith('.json')) rmSync(join(cacheDir, old), { force: true });
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, JSON.stringify(synthesis));
    renameSync(fresh, file);
    return synthesis;
  } catch (error) {
    if (error instanceof PermanentError) throw error;
    throw new PermanentError(
      'synthesis-failed',
      `stage local could not be synthesized: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        hint: 'run: npm run synth -- --stage local',
      },
    );
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};

const Resource = z.object({ Type: z.string(), Properties: z.optional(z.record(z.string(), z.unknown())) });
const Template = z.object({ Resources: z.record(z.string(), Resource) });
type Template = z.infer<typeof Template>;

/** Takes tables, machines and functions out of CloudFormation templates of stage `local`. */
export const readTemplates = (templates: readonly unknown[]): Synthesis => {
  const resources = new Map(templates.flatMap((template) => Object.entries(parseTemplate(template).Resources)));
  const functionArns = new Map<string, string>();
  const arnById = new Map<string, string>();
  for (const [id, { Type, Properties }] of resources) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const physical = String(Properties?.['FunctionName']);
    const arn = `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${physical}`;
    arnById.set(id, arn);
    functionArns.set(arn, physical.replace(NAME_PREFIX, ''));
  }
  const machines = new Map<string, { arn: string; definition: unknown }>();
  const tables: unknown[] = [];
  for (const { Type, Properties } of resources.values()) {
    if (Type === 'AWS::DynamoDB::GlobalTable') tables.push(Properties);
    if (Type !== 'AWS::StepFunctions::StateMachine') continue;
    const physical = String(Properties?.['StateMachineName']);
    machines.set(physical.replace(NAME_PREFIX, ''), {
      arn: `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${physical}`,
      definition: JSON.parse(resolveText(Properties?.['DefinitionString'], arnById)),
    });
  }
  const parsed = z.safeParse(Synthesis, {
    tables,
    machines: Object.fromEntries(machines),
    functionArns: Object.fromEntries(functionArns),
  });
  if (!parsed.success) {
    const paths = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
    throw new PermanentError(
      'template-unreadable',
      `the synthesized templates lack what the local stack needs: ${paths}`,
    );
  }
  return parsed.data;
};

const Join = z.object({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const GetAtt = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });
const Ref = z.object({ Ref: z.string() });

const PSEUDO_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['AWS::Partition', 'aws'],
  ['AWS::Region', REGION],
  ['AWS::AccountId', ACCOUNT],
]);

/** A text of a template with its references filled in. @throws PermanentError for a reference that the local stack does not know */
const resolveText = (value: unknown, arnById: ReadonlyMap<string, string>): string => {
  if (typeof value === 'string') return value;
  const join = z.safeParse(Join, value);
  if (join.success) {
    const [separator, parts] = join.data['Fn::Join'];
    return parts.map((part) => resolveText(part, arnById)).join(separator);
  }
  const getAtt = z.safeParse(GetAtt, value);
  if (getAtt.success && getAtt.data['Fn::GetAtt'][1] === 'Arn') {
    const arn = arnById.get(getAtt.data['Fn::GetAtt'][0]);
    if (arn !== undefined) return arn;
  }
  const ref = z.safeParse(Ref, value);
  const pseudo = ref.success ? PSEUDO_PARAMETERS.get(ref.data.Ref) : undefined;
  if (pseudo !== undefined) return pseudo;
  throw new PermanentError(
    'reference-unknown',
    `the local stack cannot resolve ${JSON.stringify(value)} in a state machine`,
  );
};

const parseTemplate = (template: unknown): Template => {
  const parsed = z.safeParse(Template, template);
  if (parsed.success) return parsed.data;
  throw new PermanentError('template-unreadable', 'a synthesized template has no resources');
};

const readTemplate = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

const readKept = (file: string): Synthesis | undefined => {
  try {
    const parsed = z.safeParse(Synthesis, JSON.parse(readFileSync(file, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

const hashOfSources = (): string => {
  const hash = createHash('sha256').update(process.version);
  for (const source of SOURCES) {
    for (const file of filesOf(source))
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(join(PROJECT_ROOT, file)))
        .update('\0');
  }
  return hash.digest('hex').slice(0, 32);
};

const filesOf = (path: string): readonly string[] => {
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(join(PROJECT_ROOT, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(PROJECT_ROOT.length + 1))
    .sort();
};

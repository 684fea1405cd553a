import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENTRY_FUNCTIONS, STEPS } from '#shared/contracts/workflows.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDERS = ['infra', 'functions', 'shared', 'local', 'cli', 'bench', 'test'] as const;

interface SourceFile {
  /** Relative to the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
  /** Files of the project as paths from the root, packages as named. */
  readonly imports: readonly string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?\bfrom\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

const resolved = (from: string, specifier: string): string => {
  if (specifier.startsWith('#')) return specifier.slice(1);
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;
};

const importsOf = (path: string, text: string): readonly string[] =>
  [...text.matchAll(IMPORT)].map((match) => resolved(path, match[1] ?? match[2] ?? match[3] ?? ''));

const FILES: readonly SourceFile[] = FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules/'))
    .map((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8');
      return { path, text, imports: importsOf(path, text) };
    }),
);

/** Imports of files under `from` that are not under one of `allowed` and, if packages count, not an allowed package. */
const offences = (from: string, isOffence: (imported: string, file: SourceFile) => boolean): readonly string[] =>
  FILES.filter((file) => file.path.startsWith(from)).flatMap((file) =>
    file.imports.filter((imported) => isOffence(imported, file)).map((imported) => `${file.path} → ${imported}`),
  );

const isOurs = (imported: string): boolean => FOLDERS.some((folder) => imported.startsWith(`${folder}/`));
const outside =
  (...allowed: readonly string[]) =>
  (imported: string): boolean =>
    isOurs(imported) && !allowed.some((folder) => imported.startsWith(folder));

/** Small files that every layer above the domain may use. */
const FOUNDATION = ['shared/errors.ts', 'shared/log.ts', 'shared/concurrently.ts'];
/** Makes the tables of the local database, which CloudFormation does on AWS. */
const MAKES_TABLES = 'local/database.ts';

describe('who may import whom', () => {
  it('finds the imports of a file', () => {
    const text = `import { a } from './b.ts';\nimport type {\n  C,\n} from '#shared/c.ts';\nexport { d } from '../e.ts';\nimport 'f';\nawait import('g');`;

    expect(importsOf('local/x/y.ts', text)).toEqual(['local/x/b.ts', 'shared/c.ts', 'local/e.ts', 'f', 'g']);
  });

  it('keeps the domain pure: it imports itself, the error names and nothing else of ours', () => {
    expect(offences('shared/domain/', outside('shared/domain/', 'shared/errors.ts'))).toEqual([]);
    expect(
      offences('shared/domain/', (imported) => imported.startsWith('node:') && imported !== 'node:crypto'),
    ).toEqual([]);
  });

  it('keeps clock, randomness and input out of the domain', () => {
    const impure =
      /Date\.now\(|new Date\(\)|Math\.random\(|randomUUID|randomBytes|process\.|performance\.|setTimeout|fetch\(/;

    expect(
      FILES.filter((file) => file.path.startsWith('shared/domain/') && impure.test(file.text)).map((file) => file.path),
    ).toEqual([]);
  });

  it('lets ports know the domain and contracts only', () => {
    expect(
      offences('shared/ports/', outside('shared/ports/', 'shared/domain/', 'shared/contracts/', 'shared/errors.ts')),
    ).toEqual([]);
  });

  it('lets contracts know the domain only', () => {
    expect(offences('shared/contracts/', outside('shared/contracts/', 'shared/domain/', 'shared/errors.ts'))).toEqual(
      [],
    );
  });

  it('lets use cases know ports, domain and contracts, and no adapter', () => {
    const allowed = ['shared/application/', 'shared/ports/', 'shared/domain/', 'shared/contracts/', ...FOUNDATION];

    expect(offences('shared/application/', outside(...allowed))).toEqual([]);
  });

  it('lets adapters implement ports without knowing use cases', () => {
    const allowed = ['shared/adapters/', 'shared/ports/', 'shared/domain/', 'shared/contracts/', ...FOUNDATION];

    expect(offences('shared/adapters/', outside(...allowed))).toEqual([]);
  });

  it('lets functions know shared/ only', () => {
    expect(offences('functions/', outside('functions/', 'shared/'))).toEqual([]);
  });

  it('lets infra know contracts only, and functions by their file’s name', () => {
    expect(offences('infra/', outside('infra/', 'shared/contracts/'))).toEqual([]);
  });

  it('lets nothing import the local stack but the tool, benchmarks and tests', () => {
    for (const folder of ['shared/', 'functions/', 'infra/']) {
      expect(offences(folder, (imported) => imported.startsWith('local/'))).toEqual([]);
    }
  });

  it('lets nothing import the tool or tests', () => {
    for (const folder of ['shared/', 'functions/', 'infra/', 'local/']) {
      expect(offences(folder, (imported) => /^(cli|test|bench)\//.test(imported))).toEqual([]);
    }
  });

  it('lets only adapters import the SDK; functions/runtime may name its types', () => {
    const importers = FILES.filter(
      (file) =>
        !/^(shared\/adapters|test|bench)\//.test(file.path) &&
        file.imports.some((imported) => imported.startsWith('@aws-sdk/')),
    )
      .filter((file) => file.path !== MAKES_TABLES)
      .filter((file) => !file.path.startsWith('functions/runtime/') || !hasOnlyTypeImportsOfTheSdk(file));

    expect(importers.map((file) => file.path)).toEqual([]);
  });

  it('lets only infra and its tests import the CDK', () => {
    const importers = FILES.filter((file) =>
      file.imports.some((imported) => /^(aws-cdk-lib|constructs)(\/|$)/.test(imported)),
    );

    expect(importers.map((file) => file.path).filter((path) => !/^(infra|test\/infra)\//.test(path))).toEqual([]);
  });
});

const hasOnlyTypeImportsOfTheSdk = (file: SourceFile): boolean =>
  [...file.text.matchAll(/import\s+(type\s)?[^;]*?from\s*['"]@aws-sdk\/[^'"]+['"]/g)].every(
    (match) => match[1] !== undefined,
  );

describe('how files are written', () => {
  const withoutThis = FILES.filter((file) => file.path !== 'test/structure/dependency-rules.test.ts');
  const matching = (pattern: RegExp, files = withoutThis) =>
    files.filter((file) => pattern.test(file.text)).map((file) => file.path);

  it('mocks no module, and skips or singles out no test', () => {
    expect(matching(/\bvi\.(mock|doMock|hoisted)\(/)).toEqual([]);
    expect(matching(/\b(it|test|describe)\.(skip|only|todo|fails)\b|\bx(it|describe)\(/)).toEqual([]);
  });

  it('has no default export and no barrel', () => {
    expect(matching(/^export default\b/m)).toEqual([]);
    expect(FILES.map((file) => basename(file.path)).filter((name) => name === 'index.ts')).toEqual([]);
  });

  it('names files by what they are, in kebab case', () => {
    const vague = /^(utils?|helpers?|common|misc|stuff|manager|service)(\.test)?\.ts$/;

    expect(FILES.map((file) => file.path).filter((path) => vague.test(basename(path)))).toEqual([]);
    expect(
      FILES.map((file) => file.path).filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.ts$/.test(basename(path))),
    ).toEqual([]);
  });

  it('imports every file with its ending', () => {
    expect(offences('', (imported) => isOurs(imported) && !/\.(ts|json|ya?ml)$/.test(imported))).toEqual([]);
  });

  it('leaves nothing for later in a comment, and names no path of one machine', () => {
    expect(matching(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
    expect(matching(/['"`/](home|Users|work)\/[a-z]+\//)).toEqual([]);
  });
});

describe('functions', () => {
  const FUNCTION_FILES = FILES.filter((file) => /^functions\/[^/]+\.ts$/.test(file.path));

  it('are one file each, named as in the contracts', () => {
    const expected = [...Object.keys(STEPS), ...ENTRY_FUNCTIONS].map((name) => `functions/${name}.ts`).sort();

    expect(FUNCTION_FILES.map((file) => file.path).sort()).toEqual(expected);
  });

  it('export one handler each', () => {
    const without = FUNCTION_FILES.filter((file) => !/^export const handler\b/m.test(file.text));

    expect(without.map((file) => file.path)).toEqual([]);
  });
});

import type { StateData } from '#local/state-machines.ts';
import type { AccountWatch, RecordedCall } from './small-account.ts';

/** One thing that left the functions to where nobody looks after personal data. */
export interface Said {
  /** Where it was said, for whoever has to take it out again. */
  readonly where: string;
  readonly text: string;
}

/** Collects what functions write to logs and metrics, what passes through states, and how they name things. */
export const watchLoop = () => {
  const stateData: Said[] = [];
  const names: Said[] = [];
  const printed: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  const watch: AccountWatch = {
    onState: ({ machine, state, way, data }: StateData) =>
      void stateData.push({ where: `${machine}, ${way} of "${state}"`, text: JSON.stringify(data ?? null) }),
    onCall: (call, body) => names.push(...namesIn(call, body)),
  };
  return {
    watch,
    stateData,
    names,
    /** Keeps what is printed from here on to itself. */
    listen: (): void => {
      for (const { stream } of streams) {
        stream.write = ((chunk: unknown): boolean => {
          printed.push(String(chunk));
          return true;
        }) as typeof stream.write;
      }
    },
    stop: (): void => {
      for (const { stream, write } of streams) stream.write = write;
    },
    /** Lines of logs and of metrics, parsed. */
    lines: (): { readonly logs: readonly Line[]; readonly metrics: readonly Line[] } => {
      const all: Line[] = printed
        .join('')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
      return { logs: all.filter((line) => !('_aws' in line)), metrics: all.filter((line) => '_aws' in line) };
    },
  };
};
type Line = Readonly<Record<string, unknown>>;

/** The names that a call gives: of an object, an execution, an event, a mail. What they hold is not their name. */
const namesIn = ({ action, resource }: RecordedCall, body: string): readonly Said[] => {
  switch (action) {
    case 's3:PutObject':
      return [{ where: 'object', text: resource }];
    case 'states:StartExecution': {
      const { name, input } = JSON.parse(body);
      return [
        { where: 'execution', text: name },
        { where: 'input of an execution', text: input },
      ];
    }
    case 'events:PutEvents':
      return JSON.parse(body).Entries.flatMap((entry: Readonly<Record<string, string>>) => {
        const { id, about } = JSON.parse(entry['Detail'] ?? '{}');
        return [entry['Source'], entry['DetailType'], entry['Resources'], entry['TraceHeader'], id, about]
          .filter((name) => name !== undefined)
          .map((name) => ({ where: 'event', text: String(name) }));
      });
    case 'ses:SendRawEmail':
      return [...new URLSearchParams(body)]
        .filter(([field]) => field.startsWith('Tags.'))
        .map(([field, text]) => ({ where: `tag of a mail, ${field}`, text }));
    default:
      return [];
  }
};

/** Words of people that must be nowhere in what was said. */
export const findCanaries = (said: readonly Said[], canaries: readonly (string | RegExp)[]): readonly string[] => [
  ...new Set(
    said.flatMap(({ where, text }) =>
      canaries
        .filter((canary) => (typeof canary === 'string' ? text.includes(canary) : canary.test(text)))
        .map((canary) => `${where}: ${canary}`),
    ),
  ),
];

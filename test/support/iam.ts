import type { Statement } from './deployment.ts';

/** One call as IAM sees it. */
export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  /** Condition keys that the service fills in for this call. */
  readonly context: Readonly<Record<string, string>>;
}

/** Whether `text` fits a pattern of IAM: `*` is any text, `?` any one character. */
const fits = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  ).test(text);

const OPERATORS: Readonly<Record<string, (wanted: string, given: string) => boolean>> = {
  StringEquals: (wanted, given) => wanted === given,
  // Requests here have one value of a key, so all of them is that one.
  'ForAllValues:StringEquals': (wanted, given) => wanted === given,
  StringLike: fits,
  ArnLike: fits,
  ArnEquals: fits,
  Bool: (wanted, given) => wanted === given,
};

/** A key that the call does not have fails its condition, as in IAM without `IfExists`. */
const holds = (condition: Statement['Condition'], context: IamRequest['context']): boolean =>
  Object.entries(condition ?? {}).every(([operator, keys]) => {
    const compare = OPERATORS[operator];
    if (compare === undefined) throw new Error(`the condition ${operator} is not known here`);
    return Object.entries(keys).every(([key, wanted]) => {
      const given = context[key];
      return given !== undefined && [wanted].flat().some((one) => compare(one, given));
    });
  });

/** Whether one statement allows a call: action, resource and every condition. */
export const allows = (statement: Statement, { action, resource, context }: IamRequest): boolean =>
  statement.Effect === 'Allow' &&
  statement.Action.some((one) => fits(one.toLowerCase(), action.toLowerCase())) &&
  statement.Resource.some((one) => fits(one, resource)) &&
  holds(statement.Condition, context);

/** A statement taken apart: one action on one resource each. */
export const grantsOf = (statements: readonly Statement[]): readonly Statement[] =>
  statements.flatMap((one) =>
    one.Action.flatMap((action) =>
      one.Resource.map((resource) => ({ ...one, Action: [action], Resource: [resource] })),
    ),
  );

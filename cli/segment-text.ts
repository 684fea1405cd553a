import { labelIn } from '#shared/application/format-value.ts';
import type { Policy } from '#shared/domain/policy.ts';
import type { CommandContext } from './command.ts';

/** A segment as the policy calls it in the reader's language; its machine name where no policy is active or has it. */
export const segmentText = (
  name: string,
  policy: Policy | undefined,
  { terminal }: Pick<CommandContext, 'terminal'>,
  dimension: string | undefined = policy?.mainDimension,
): string => {
  const label = dimension === undefined ? undefined : policy?.dimensions[dimension]?.segments[name]?.label;
  return label === undefined ? name : labelIn(label, terminal.language);
};

import type { CommandContext } from './command.ts';
import { UsageError } from './usage-error.ts';

/** An ARN of a role's session is the longest name that there is. */
const LONGEST_NAME = 200;

/** Who decides or takes something over. @throws UsageError where nobody is named: what a person answers for bears a name */
export const namedPerson = ({ by }: CommandContext): string => {
  const name = by.replace(/\(unverified\)$/u, '').trim();
  if (name === '' || name === 'operator' || name.length > LONGEST_NAME || /\p{Cc}/u.test(name)) {
    throw new UsageError(
      'person-missing',
      `a person's name of 1 to ${LONGEST_NAME} characters is kept with this, got ${JSON.stringify(name.slice(0, LONGEST_NAME))}`,
      { hint: 'say who you are: --as "Li Wei"' },
    );
  }
  return by;
};

import { dateIn } from '#shared/domain/calendar.ts';
import { type CustomerLetter, customerLetter } from '#shared/domain/customer-letter.ts';
import type { Lang } from '#shared/domain/figure-text.ts';
import { type Flag, lastDecision } from '#shared/domain/flags.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { FlagStore } from '#shared/ports/flag-store.ts';
import { type ExplainPorts, explainCustomer } from './explain-customer.ts';
import { loadPolicy } from './run/run-ports.ts';

export interface LetterPorts extends ExplainPorts {
  readonly flags: Pick<FlagStore, 'get'>;
  readonly clock: Clock;
  /** IANA name; dates of the letter are dates in it. */
  readonly timeZone: string;
}

/**
 * The explanation of an exit for the customer, from the files of the run that last said so. Of a proposal that is open it says
 * that nothing has been decided, of an approved one when a person decided.
 *
 * @throws PermanentError `customer-unknown`; `flag-unknown`; `letter-not-due` where nobody lets the customer go;
 *   `run-file-missing` where the run's files are no longer kept
 */
export const writeLetter = async (customerId: string, lang: Lang, ports: LetterPorts): Promise<CustomerLetter> => {
  const subject = (await ports.customers.subjectsOf([customerId])).get(customerId);
  const flag = subject === undefined ? undefined : await ports.flags.get(subject, 'exit');
  const quoted = JSON.stringify(customerId.slice(0, 80));
  if (subject === undefined) {
    throw new PermanentError('customer-unknown', `there is no customer ${quoted}`, {
      hint: 'ids are as the imported files have them, capital letters included',
    });
  }
  if (flag === undefined) {
    throw new PermanentError('flag-unknown', `nobody proposed to let customer ${quoted} go`, {
      hint: 'resegment flag list --kind exit shows the proposals that wait',
    });
  }
  return letterOf(flag, lang, ports);
};

/** The same of a proposal that is at hand. */
export const letterOf = async (flag: Flag, lang: Lang, ports: LetterPorts): Promise<CustomerLetter> => {
  const { customerId } = flag;
  if (flag.kind !== 'exit' || (flag.state !== 'open' && flag.state !== 'approved')) {
    throw new PermanentError(
      'letter-not-due',
      `the ${flag.kind} proposal of customer ${JSON.stringify(customerId.slice(0, 80))} is ${flag.state}: there is nothing to explain to the customer`,
      { hint: `resegment flag show ${customerId} shows its history` },
    );
  }
  const record = (await ports.runs.get(flag.runId))?.record;
  if (record === undefined) {
    throw new PermanentError('run-file-missing', `run ${flag.runId}, which proposed it, is no longer kept`, {
      hint: 'the next run that proposes it again has its own files',
    });
  }
  const [explanation, policy] = await Promise.all([
    explainCustomer(customerId, record, ports, lang),
    loadPolicy(ports.objects, record.policy.hash),
  ]);
  const decidedAt = flag.state === 'approved' ? lastDecision(flag)?.at : undefined;
  return customerLetter(
    {
      flag,
      policy,
      explanation,
      asOf: record.asOf,
      today: dateIn(ports.timeZone, ports.clock.now()),
      ...(decidedAt === undefined ? {} : { decidedOn: dateIn(ports.timeZone, decidedAt) }),
    },
    lang,
  );
};

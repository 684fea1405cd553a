import { objectErasureLog } from '#shared/adapters/object-erasure-log.ts';
import type { PersonPorts } from '#shared/application/person-ports.ts';
import { recordAnswer } from '#shared/application/record-answer.ts';
import { operator } from '../support/bench-target.ts';
import { openMemoryBench } from '../support/run-bench.ts';
import {
  ADDRESS_KEY,
  CLOSES,
  drawnWave,
  factsOf,
  invitationOf,
  memoryStores,
  NOW,
  settableClock,
  WAVE_ID,
  waveRecord,
} from '../survey/memory.ts';

export const PERSON = { customerId: 'C-77', email: 'wang.fang@example.com', name: '王芳 Wang' } as const;
export const OTHER = { customerId: 'C-8', email: 'other@example.com', name: 'Olga Other' } as const;
export { ADDRESS_KEY, CLOSES, drawnWave, factsOf, NOW, WAVE_ID };

/** Invitation id of the person. */
export const INVITATION_ID = Buffer.alloc(16, 1).toString('base64url');

/** A person and another one with everything that can be held: facts, address, invitation, flag, report. No answer yet. */
export const openPersonBench = async (options: { readonly sharedAddress?: boolean } = {}) => {
  const bench = openMemoryBench();
  const survey = memoryStores();
  const { objects } = bench.ports;
  const clock = settableClock(NOW);
  const persons: PersonPorts = {
    ...survey,
    ...bench.ports,
    clock,
    waves: survey.waves,
    erasures: objectErasureLog(objects, async () => ADDRESS_KEY),
  };
  const keys = new Map<string, string>();
  const subjects = new Map<string, string>();
  for (const [index, person] of [PERSON, OTHER].entries()) {
    const email = options.sharedAddress === true ? PERSON.email : person.email;
    const consent = { given: true, source: 'branch form', at: '2026-01-05' };
    const addressKey = await survey.contacts.upsertPerson({ ...person, email, consent });
    const facts = await bench.addCustomer({
      customerId: person.customerId,
      contactKey: addressKey,
      orders: [{ day: 20_000 + index, count: 1, amountMinor: 12_300, attributes: {}, batch: 0 }],
    });
    keys.set(person.customerId, addressKey);
    subjects.set(person.customerId, facts.subject);
    await survey.invitations.createMany([
      invitationOf(index + 1, { customerId: person.customerId, subject: facts.subject, addressKey }),
    ]);
    await bench.ports.flags.raise({
      kind: 'upgrade',
      subject: facts.subject,
      customerId: person.customerId,
      runId: '2026-05-monthly',
      period: '2026-05',
      segment: 'hold',
      branch: 'north',
      manager: 'M1',
      stake: 10,
      evidence: { value: 10 },
      raisedAt: NOW,
      expiresOn: '2026-12-31',
    });
  }
  await survey.waves.create(WAVE_ID, waveRecord({ population: 2, drawn: 2 }));
  await survey.waveFiles.writeJson(WAVE_ID, 'population-0.json', []);
  await survey.waveFiles.writeJson(WAVE_ID, 'drawn.json', {
    waveId: WAVE_ID,
    batchSize: 50,
    populationFile: 'population-0.json',
    population: 2,
    notDrawn: {},
    drawn: [PERSON, OTHER].map(({ customerId }, index) => ({
      invitationId: Buffer.alloc(16, index + 1).toString('base64url'),
      subject: subjects.get(customerId) ?? '',
      segment: 'hold',
    })),
  });
  await objects.put('runs/r1/report.html', new TextEncoder().encode(`<td>${PERSON.customerId}</td>`));
  await objects.put('runs/r2/report.html', new TextEncoder().encode(`<td>${PERSON.customerId}8</td>`));

  /** Every item and object as one text. */
  const everything = async (): Promise<string> => {
    const parts: unknown[] = [];
    for (let bucket = 0; bucket < bench.ports.customers.buckets; bucket += 1) {
      for await (const read of bench.ports.customers.readBucket(bucket)) parts.push(read);
    }
    parts.push([...(await bench.ports.customers.subjectsOf([PERSON.customerId])).keys()]);
    for (const id of [PERSON.customerId, OTHER.customerId]) {
      parts.push(await survey.contacts.ofCustomer(id), await survey.invitations.ofCustomer(id));
      parts.push(await survey.answers.ofCustomer(id), await survey.cases.ofCustomer(id));
    }
    parts.push([...(await survey.contacts.getMany([...keys.values()])).values()]);
    parts.push([...(await survey.invitations.getMany([INVITATION_ID])).values()]);
    parts.push([...(await survey.answers.getMany([INVITATION_ID])).values()]);
    parts.push(
      await survey.cases.get(INVITATION_ID),
      await survey.cases.listOpen(),
      await bench.ports.flags.listOpen(),
    );
    for (const store of [objects, survey.objects]) {
      for (const key of await store.list('')) {
        parts.push(key, new TextDecoder().decode(await store.get(key)));
      }
    }
    return JSON.stringify(parts);
  };

  return {
    bench,
    survey,
    persons,
    clock,
    keyOf: (customerId: string): string => keys.get(customerId) ?? '',
    subjectOf: (customerId: string): string => subjects.get(customerId) ?? '',
    everything,
    /** Runs a command of the operator's tool. */
    say: operator(bench, [], persons),
    answer: (comment: string, score = 2) =>
      recordAnswer(
        { invitationId: INVITATION_ID, score, comment, wishes: ['call'], factor: 'wordOfMouth', honeypot: false },
        {
          clock,
          invitations: survey.invitations,
          answers: survey.answers,
          cases: survey.cases,
          customers: bench.ports.customers,
          businessTimeZone: 'UTC',
          onProjectionFailed: () => undefined,
        },
      ),
  };
};

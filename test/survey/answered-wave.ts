import type { Invitation } from '#shared/domain/invitation.ts';
import { CLOSES, invitationOf, type MemoryStores, NOW, WAVE_ID, waveRecord } from './memory.ts';

/** Somebody who was written to. */
export interface Person {
  readonly segment: string;
  readonly manager: string | null;
  readonly branch?: string;
  readonly score: number | null;
  readonly suspect?: boolean;
  readonly comment?: string;
  readonly factor?: 'price' | 'service';
}

/** A wave whose mails were all delivered, with the answers of these people. */
export const addWave = async (stores: MemoryStores, waveId: string, plannedAt: string, people: readonly Person[]) => {
  const first = { [WAVE_ID]: 1, 'w-2026-06': 200 }[waveId] ?? 120;
  const invitations: Invitation[] = people.map(({ segment, manager, branch = 'north' }, index) =>
    invitationOf(first + index, {
      waveId,
      segment,
      manager,
      branch,
      invitation: { state: 'sent', at: NOW, attempts: 1 },
      deliveredAt: NOW,
    }),
  );
  await stores.waves.create(waveId, waveRecord({ waveId, plannedAt, state: 'closed' }));
  await stores.waveFiles.writeJson(waveId, 'drawn.json', {
    waveId,
    batchSize: 50,
    populationFile: 'population-0.json',
    population: people.length,
    notDrawn: {},
    drawn: invitations.map(({ invitationId, subject, segment }) => ({ invitationId, subject, segment })),
  });
  await stores.invitations.createMany(invitations);
  for (const [index, { score, suspect = false, comment = '', factor }] of people.entries()) {
    const invitation = invitations[index];
    if (score === null || invitation === undefined) continue;
    const { invitationId, customerId, subject, segment, language, branch, manager } = invitation;
    await stores.answers.put(
      {
        answer: {
          answerId: invitationId,
          waveId,
          customerId,
          question: 'nps',
          segment,
          language,
          version: 1,
          score,
          comment,
          wishes: [],
          ...(factor === undefined ? {} : { factor }),
          at: CLOSES,
          signals: suspect ? ['honeypot'] : [],
          suspect,
          history: [],
        },
        pending: false,
        subject,
        branch,
        manager,
        caseForEveryLow: false,
        caseDueHours: 24,
      },
      0,
    );
  }
};

export const people = (count: number, person: Person): readonly Person[] => Array.from({ length: count }, () => person);

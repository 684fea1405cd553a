import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { circleOfSuperiors, deskAbove, directoryOf, personAt, type StaffMember } from '#shared/domain/staff.ts';

const member = (name: string, more: Partial<StaffMember> = {}): StaffMember => ({
  name,
  email: `${name.toLowerCase().replaceAll(' ', '.')}@bank.example.com`,
  superior: null,
  branch: 'Pudong',
  role: 'manager',
  language: 'en',
  ...more,
});

const STAFF = directoryOf([
  member('Li Wei', { superior: 'Wang Fang' }),
  member('Zhao Min'),
  member('Wang Fang', { role: 'branchHead', superior: 'Zhou Lan' }),
  member('Zhou Lan', { role: 'central', branch: null }),
  member('Sun Tao', { branch: 'Suzhou' }),
]);

describe('who hears of something', () => {
  it('is the manager, else the head of the branch, else the central queue, else nobody', () => {
    expect(personAt({ kind: 'manager', name: ' Li Wei ' }, 'Pudong', STAFF)?.name).toBe('Li Wei');
    expect(personAt({ kind: 'manager', name: 'Left Long Ago' }, 'Pudong', STAFF)?.name).toBe('Wang Fang');
    expect(personAt({ kind: 'branch', name: 'Pudong' }, null, STAFF)?.name).toBe('Wang Fang');
    expect(personAt({ kind: 'branch', name: 'Suzhou' }, null, STAFF)?.name).toBe('Zhou Lan');
    expect(personAt({ kind: 'central', name: 'central' }, 'Pudong', STAFF)?.name).toBe('Zhou Lan');
    expect(personAt({ kind: 'manager', name: 'Li Wei' }, 'Pudong', directoryOf([]))).toBeUndefined();
  });
});

describe('who is above', () => {
  it('R32 is the superior; without one the branch, and above the branch its head’s superior or the central queue', () => {
    expect(deskAbove({ kind: 'manager', name: 'Li Wei' }, 'Pudong', STAFF)).toEqual({
      kind: 'superior',
      name: 'Wang Fang',
    });
    expect(deskAbove({ kind: 'manager', name: 'Zhao Min' }, 'Pudong', STAFF)).toEqual({
      kind: 'branch',
      name: 'Pudong',
    });
    expect(deskAbove({ kind: 'manager', name: 'Sun Tao' }, null, STAFF)).toEqual({ kind: 'central', name: 'central' });
    expect(deskAbove({ kind: 'branch', name: 'Pudong' }, 'Pudong', STAFF)).toEqual({
      kind: 'superior',
      name: 'Zhou Lan',
    });
    expect(deskAbove({ kind: 'branch', name: 'Suzhou' }, 'Suzhou', STAFF)).toEqual({
      kind: 'central',
      name: 'central',
    });
    expect(deskAbove({ kind: 'central', name: 'central' }, null, STAFF)).toEqual({ kind: 'central', name: 'central' });
  });

  it('never is the same desk: a head who manages customers and has no superior is passed over for the central queue', () => {
    const staff = directoryOf([member('Head', { role: 'branchHead' })]);

    expect(deskAbove({ kind: 'manager', name: 'Head' }, 'Pudong', staff)).toEqual({ kind: 'central', name: 'central' });
  });

  it('ignores a superior who was removed from the directory', () => {
    const staff = directoryOf([member('Li Wei', { superior: 'Gone' })]);

    expect(deskAbove({ kind: 'manager', name: 'Li Wei' }, 'Pudong', staff)).toEqual({ kind: 'branch', name: 'Pudong' });
  });
});

describe('circles of superiors', () => {
  it('are found, of any length, and trees have none', () => {
    const links = fc.array(fc.nat(9), { minLength: 10, maxLength: 10 });
    fc.assert(
      fc.property(links, (superiors) => {
        const members = superiors.map((superior, index) =>
          member(`p${index}`, { superior: superior === 0 ? null : `p${superior}` }),
        );
        const circle = circleOfSuperiors(members);
        const reachesNobody = superiors.map((_, start) => {
          let at = start;
          for (let steps = 0; steps < 20; steps += 1) {
            const next = superiors[at] ?? 0;
            if (next === 0) return true;
            at = next;
          }
          return false;
        });

        expect(circle === undefined).toBe(reachesNobody.every(Boolean));
        for (const [index, name] of (circle ?? []).slice(0, -1).entries()) {
          expect(members.find((one) => one.name === name)?.superior).toBe(circle?.[index + 1]);
        }
      }),
    );
  });

  it('may be of one', () => {
    expect(circleOfSuperiors([member('Me', { superior: 'Me' })])).toEqual(['Me', 'Me']);
  });
});

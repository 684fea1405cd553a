import { describe, expect, it } from 'vitest';
import { textSource } from '#local/import-files.ts';
import { sampleCompanies } from '#local/sample-companies.ts';
import { sampleGuests } from '#local/sample-guests.ts';
import { sampleStaff } from '#local/sample-staff.ts';
import { importStaff } from '#shared/application/import/import-staff.ts';
import { directoryOf } from '#shared/domain/staff.ts';
import { memoryStaff } from '#test/support/memory-stores.ts';

describe('the staff of a sample', () => {
  it.each([
    ['companies', sampleCompanies({ seed: 1, count: 400, months: ['2026-09', '2026-10'] })],
    ['guests', sampleGuests({ seed: 1, count: 400, months: ['2026-09', '2026-10'] })],
  ])(
    'of the %s is a directory in which every manager has a head, and every head somebody above',
    async (_name, sample) => {
      const staff = memoryStaff();
      const text = await sampleStaff(sample.customersCsv);

      const imported = await importStaff(textSource('staff.csv', text), {}, { staff });

      expect(imported).toMatchObject({ rejected: 0, changed: 0, notices: [] });
      expect(await sampleStaff(sample.customersCsv)).toBe(text);
      const directory = directoryOf(await staff.list());
      for (const one of directory.all) {
        expect(one.email).toMatch(/@bank\.example\.com$/u);
        if (one.role === 'manager') expect(directory.headOf(one.branch ?? '')?.name).toBe(one.superior);
        if (one.role === 'branchHead') expect(directory.central()?.name).toBe(one.superior);
      }
      const managers = new Set(
        sample.customersCsv
          .split('\n')
          .slice(1)
          .filter(Boolean)
          .map((line) => line.split(',')[7]),
      );
      if (_name === 'companies') for (const manager of managers) expect(directory.member(manager ?? '')).toBeDefined();
    },
  );
});

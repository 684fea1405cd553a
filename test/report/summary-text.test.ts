import { describe, expect, it } from 'vitest';
import { summaryText } from '#shared/application/summary-text.ts';
import { displayWidth, textTable } from '#shared/application/text-table.ts';
import { inventedReport } from './report-fixture.ts';

describe('the summary of a run on a terminal', () => {
  it('shows segments with change, the matrix, mails, flags and the state in words', () => {
    const text = summaryText(inventedReport.summary, inventedReport.wave ?? undefined, 'en');

    expect(text).toContain('State: published');
    expect(text).toMatch(/^priority\s+255\s+12\.8%\s+\+5$/mu);
    expect(text).toMatch(/^priority\s+9\s+·\s+·\s+241/mu);
    expect(text).toContain('Mails of wave w-2026-09-monthly: planned 540, sent 512');
    expect(text).toContain('no consent 12');
    expect(text).toContain('Flags: upgrade 27 (more than managers can take: 4), exit 11');
  });

  it('counts Chinese characters as two columns, so that columns stay aligned', () => {
    const lines = textTable(
      [
        ['优先支持类', '1'],
        ['exit', '22'],
      ],
      ['left', 'right'],
    ).split('\n');

    expect(displayWidth('优先支持类')).toBe(10);
    expect(lines.map(displayWidth)).toEqual([14, 14]);
  });

  it('R24 lets no value steer the terminal', () => {
    expect(textTable([['a\u001b[31m', 'b\nc']])).toBe('a·[31m  b·c');
  });
});

import { describe, expect, it } from 'vitest';
import { renderReport } from '#shared/application/report/render-report.ts';
import { wordsOf } from '#shared/application/report/report-words.ts';
import { inventedReport } from './report-fixture.ts';

describe('the report of a run', () => {
  it.each(['en', 'zh-CN'] as const)('R24 escapes every text of customers and files (%s)', (language) => {
    const page = renderReport(inventedReport, language);

    expect(page).toContain('C-1042 &lt;b&gt;&amp;');
    expect(page).toContain('&quot;&lt;script&gt;&quot; is no number');
    expect(page).not.toContain('<script');
  });

  it.each(['en', 'zh-CN'] as const)('needs no script and loads nothing from elsewhere (%s)', (language) => {
    const page = renderReport(inventedReport, language);

    expect(page).not.toMatch(/https?:\/\//u);
    expect(page).not.toMatch(/<(script|link|img|iframe|object)\b/u);
    expect(page).not.toMatch(/\son\w+=/u);
    expect(page).not.toMatch(/url\((?!#)/u);
  });

  it('says in one sentence what happened and what waits', () => {
    const page = renderReport(inventedReport, 'en');

    expect(page).toContain('Published. 82 of 1,992 customers changed their class: 36 up, 42 down.');
    expect(page).toContain('41 decisions wait for a person.');
  });

  it('shows that read is the sum of segments, the left and the quarantined', () => {
    const page = renderReport(inventedReport, 'en');

    expect(page).toContain('= 1,992 placed + 6 left + 3 quarantined');
    expect(1_992 + 6 + 3).toBe(inventedReport.summary.population);
  });

  it('R16 hides the score of a group with fewer than five answers', () => {
    const page = renderReport(inventedReport, 'en');

    expect(page).toContain('fewer than 5 answers');
    expect(page).toContain('&lt; 5');
  });

  it('names the brake that holds a run, and that nothing was changed', () => {
    const message = '20.0 % would move; the limit is 15.0 %';
    const held = {
      ...inventedReport,
      summary: {
        ...inventedReport.summary,
        state: 'held' as const,
        brakes: [{ brake: 'movedShare' as const, limit: 0.15, actual: 0.2, message }],
      },
    };

    const page = renderReport(held, 'en');

    expect(page).toContain('Held by a brake. Nothing has been changed.');
    expect(page).toContain(message);
    expect(page).toContain('would change their class');
  });

  it('has every word in both languages', () => {
    expect(Object.keys(wordsOf('zh-CN')).sort()).toEqual(Object.keys(wordsOf('en')).sort());
  });
});

import { describe, expect, it } from 'vitest';
import { renderReport } from '#shared/application/report/render-report.ts';
import { wordsOf } from '#shared/application/report/report-words.ts';
import { satisfactionEvidence } from '#shared/domain/satisfaction.ts';
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

  it('R28 says satisfaction with what it rests on, beside whom to call and in the evidence of proposals', () => {
    const satisfaction = { score: 61.7, answers: 1, ageDays: 140, confidence: 0.226 };
    const { callFirst, flags } = inventedReport;
    const [flag, ...others] = flags.shown;
    if (flag === undefined) throw new Error('the report shows proposals');
    const evidence = { ...flag.evidence, ...satisfactionEvidence(satisfaction) };
    const data = {
      ...inventedReport,
      callFirst: callFirst.map((call, index) => (index === 0 ? { ...call, satisfaction } : call)),
      flags: { ...flags, shown: [{ ...flag, evidence }, ...others] },
    };

    const english = renderReport(data, 'en');

    expect(english.split('satisfaction 62, from 1 answer 140 days old, low confidence')).toHaveLength(3);
    expect(renderReport(data, 'zh-CN').split('满意度 62 分，依据 1 份答复（140 天前），置信度低')).toHaveLength(3);
    expect(english).not.toContain('satisfaction.');
  });

  it('has every word in both languages', () => {
    expect(Object.keys(wordsOf('zh-CN')).sort()).toEqual(Object.keys(wordsOf('en')).sort());
  });
});

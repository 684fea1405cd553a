import { DECISION_FACTORS } from '#shared/domain/answer-rules.ts';
import {
  GROUPINGS,
  type GroupFigures,
  type Grouping,
  type GroupResult,
  type ScoreChange,
} from '#shared/domain/survey-results.ts';
import { formatNumber, formatShare, type Language } from '../format-value.ts';
import type { WaveResults } from '../wave-results.ts';
import { changeInWords, resultWordsOf, scoreInWords } from '../wave-results-text.ts';
import { html, SafeHtml } from './safe-html.ts';

const MOST_COMMENTS = 30;

/** The results of a wave as tables with captions; comments are escaped like every other text. */
export const resultsTables = (
  results: WaveResults,
  language: Language,
  segmentName: (segment: string | null) => string,
): SafeHtml => {
  const words = resultWordsOf(language);
  const number = (value: number): string => formatNumber(value, language);
  const name = (grouping: Grouping, group: string | null): string =>
    group === null ? words.none : grouping === 'segment' ? segmentName(group) : group;
  const cells = (figures: GroupFigures, change: ScoreChange | null): SafeHtml => {
    const { score } = figures;
    const shown = (value: number): string => scoreInWords(value, results.question, language);
    return html`<td>${number(figures.invited)}</td><td>${number(figures.delivered)}</td><td>${figures.answered === null ? words.fewer : number(figures.answered)}</td><td>${number(figures.suspect)}</td><td>${figures.rate === null ? '–' : formatShare(figures.rate, language)}</td><td>${score === null ? '–' : shown(score.value)}</td><td>${score === null ? '–' : `${shown(score.interval.low)} … ${shown(score.interval.high)}`}</td><td>${changeInWords(change, language)}</td>`;
  };
  const row = (grouping: Grouping, group: GroupResult): SafeHtml =>
    html`<tr><th scope="row">${name(grouping, group.name)}</th>${group.hidden ? html`<td class="quiet" colspan="8">${words.hidden}</td>` : cells(group, group.change)}</tr>`;
  const sum = new SafeHtml(' class="sum"');
  const tables = GROUPINGS.filter((grouping) => tellsMore(grouping, results)).map((grouping) => {
    const { groups, hiddenTogether } = results.tables[grouping];
    return html`<h3 id="by-${grouping}">${words[grouping]}</h3>
<table class="figures" aria-labelledby="by-${grouping}">
<thead><tr><th scope="col">${words[grouping]}</th><th scope="col">${words.invited}</th><th scope="col">${words.delivered}</th><th scope="col">${words.answered}</th><th scope="col">${words.suspect}</th><th scope="col">${words.rate}</th><th scope="col">${words[results.question]}</th><th scope="col">${words.interval}</th><th scope="col">${words.change}</th></tr></thead>
<tbody>${groups.map((group) => row(grouping, group))}${hiddenTogether === null ? null : html`<tr><th scope="row">${words.together.replace('{count}', number(hiddenTogether.groups))}</th>${cells(hiddenTogether, null)}</tr>`}<tr${sum}><th scope="row">${words.all}</th>${cells(results.total, results.total.change)}</tr></tbody></table>`;
  });
  return html`${tables}
<p class="note">${results.comparedWith === null ? words.noChange : words.compared.replace('{wave}', results.comparedWith)}<br>${words.hiddenNote}<br>${words.suspectNote}</p>
${factors(results, language, name)}${comments(results, language, segmentName)}`;
};

/** Whether a grouping has more than one group to show: a table of one repeats the total. */
const tellsMore = (grouping: Grouping, { tables }: WaveResults): boolean =>
  grouping === 'segment' || tables[grouping].groups.length > 1;

const factors = (
  results: WaveResults,
  language: Language,
  name: (grouping: Grouping, group: string | null) => string,
): SafeHtml | null => {
  const words = resultWordsOf(language);
  if (results.total.factors === null) return null;
  const row = (label: string, { factors: found }: Pick<GroupFigures, 'factors'>): SafeHtml | null =>
    found === null
      ? null
      : html`<tr><th scope="row">${label}</th><td>${formatNumber(found.named, language)}</td>${DECISION_FACTORS.map((factor) => html`<td>${formatShare(found.shares[factor].share, language)}</td>`)}</tr>`;
  return html`<h3 id="factors">${words.factors}</h3>
<table class="figures" aria-labelledby="factors">
<thead><tr><th scope="col">${words.segment}</th><th scope="col">${words.named}</th>${DECISION_FACTORS.map((factor) => html`<th scope="col">${words[factor]}</th>`)}</tr></thead>
<tbody>${results.tables.segment.groups.map((group) => (group.hidden ? null : row(name('segment', group.name), group)))}${row(words.all, results.total)}</tbody></table>`;
};

const comments = (
  results: WaveResults,
  language: Language,
  segmentName: (segment: string | null) => string,
): SafeHtml | null => {
  const words = resultWordsOf(language);
  if (results.comments.length === 0) return null;
  const more = results.comments.length - MOST_COMMENTS;
  return html`<h3 id="comments">${words.comments}</h3>
<table class="list" aria-labelledby="comments">
<thead><tr><th scope="col">${words.score}</th><th scope="col">${words.segment}</th><th scope="col">${words.comments}</th></tr></thead>
<tbody>${results.comments.slice(0, MOST_COMMENTS).map((one) => html`<tr><td>${number(one.score, language)}</td><td>${one.segment === null ? '–' : segmentName(one.segment)}</td><td>${one.comment}</td></tr>`)}</tbody></table>
${more > 0 ? html`<p class="note">${words.moreComments.replace('{count}', number(more, language))}</p>` : null}`;
};

const number = (value: number, language: Language): string => formatNumber(value, language);

import { STAFF_GROUPINGS, type StaffGrouping } from '#shared/domain/staff-view.ts';
import { formatNumber, type Language } from '../format-value.ts';
import type { TeamView } from '../team-view.ts';
import {
  hiddenNames,
  mixOrder,
  type SegmentName,
  teamHeading,
  teamHeadings,
  teamNotes,
  teamRows,
  teamSentences,
  teamWordsOf,
} from '../team-view-text.ts';
import { html, SafeHtml } from './safe-html.ts';

/** Rows of a table at most; `team show` has all. */
const MOST_ROWS = 60;

/** Satisfaction and cases by branch and account manager: sentences first, the best of them first, then the tables. */
export const teamSection = (
  view: TeamView,
  language: Language,
  segments: readonly string[],
  segmentName: SegmentName,
): SafeHtml => {
  const words = teamWordsOf(language);
  const order = mixOrder(view, segments);
  const name: SegmentName = (segment) => (segment === null ? words.none : segmentName(segment));
  const sum = new SafeHtml(' class="sum"');
  const table = (grouping: StaffGrouping): SafeHtml => {
    const rows = teamRows(view, grouping, order, language);
    const shown = [...rows.slice(0, -1).slice(0, MOST_ROWS), ...rows.slice(-1)];
    const more = rows.length - shown.length;
    const hidden = hiddenNames(view, grouping, language);
    return html`<h3 id="team-${grouping}">${words[grouping]}</h3>
<ul>${teamSentences(view, grouping, language).map((sentence) => html`<li>${sentence}</li>`)}</ul>
<table class="figures team" aria-labelledby="team-${grouping}">
<thead><tr><th scope="col">${words[grouping]}</th>${teamHeadings(view, language).map((heading) => html`<th scope="col">${heading}</th>`)}</tr></thead>
<tbody>${shown.map((row, index) => html`<tr${index === shown.length - 1 ? sum : null}><th scope="row">${row.name}</th>${row.cells.map((cell) => html`<td${cell === words.hidden ? new SafeHtml(' class="quiet"') : null}>${estimateCell(cell)}</td>`)}</tr>`)}</tbody></table>
${more > 0 ? html`<p class="note">${words.more.replace('{count}', formatNumber(more, language))}</p>` : null}
${hidden === undefined ? null : html`<p class="note">${hidden}</p>`}`;
  };
  return html`<section class="long"><h2>${teamHeading(view, language)}</h2>
${[...STAFF_GROUPINGS].reverse().map(table)}
<p class="note">${teamNotes(view, order, language, name).flatMap((note, index) => (index === 0 ? [note] : [html`<br>`, note]))}</p></section>`;
};

/** The interval of a figure small beside it. */
const estimateCell = (cell: string): SafeHtml => {
  const [, value, interval, mark] = /^(\S+) (\([^)]*\))(.*)$/u.exec(cell) ?? [];
  if (value === undefined || interval === undefined) return html`${cell}`;
  return html`${value} <small>${interval}</small>${mark ?? ''}`;
};

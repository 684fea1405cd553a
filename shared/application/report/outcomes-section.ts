import { FLAG_KINDS } from '#shared/domain/flag-outcomes.ts';
import type { ReportOutcomes } from '../flag-outcomes.ts';
import {
  missedHeadings,
  outcomeBlock,
  outcomeHeading,
  outcomeNotes,
  outcomeWordsOf,
  policyHeading,
} from '../flag-outcomes-text.ts';
import type { Language } from '../format-value.ts';
import { html, SafeHtml } from './safe-html.ts';

/** What became of flagged customers, as far as it is known before this run. Null: there are none, or too many to look at here. */
export const outcomesSection = (found: ReportOutcomes | null, language: Language): SafeHtml => {
  const words = outcomeWordsOf(language);
  if (found === null) return html`<section><h2>${words.title}</h2><p class="note">${words.notInReport}</p></section>`;
  const { outcomes, policies } = found;
  const [heading, ...known] = outcomeHeading(outcomes, language);
  return html`<section class="long"><h2>${heading}</h2>
<p class="quiet">${known.join(' ')}</p>
${outcomes.versions.map(
  (version) => html`<h3>${policyHeading(version, language)}</h3>
${FLAG_KINDS.map((kind) => {
  const block = outcomeBlock(outcomes, version, kind, language, policies[version.policy.hash]);
  return html`<h4>${block.heading}</h4>
${block.decided === null ? html`<p>${words.noFlags}</p>` : table('figures', block.decided, true)}
<ul>${block.sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>
${block.segments.length === 0 ? null : table('figures', block.segments, false)}
<p>${block.missedHeading}</p>
${block.missed.length === 0 ? null : table('list', [missedHeadings(language), ...block.missed], false)}`;
})}`,
)}
<p class="note">${outcomeNotes(outcomes, language).flatMap((note, index) => (index === 0 ? [note] : [html`<br>`, note]))}</p></section>`;
};

/** @param isSummed whether the last row is the sum */
const table = (kind: 'figures' | 'list', rows: readonly (readonly string[])[], isSummed: boolean): SafeHtml => {
  const [head = [], ...body] = rows;
  const right = (column: number): SafeHtml | null =>
    kind === 'list' && column === head.length - 1 ? new SafeHtml(' class="right"') : null;
  return html`<table class="${kind}">
<thead><tr>${head.map((cell, column) => html`<th scope="col"${right(column)}>${cell}</th>`)}</tr></thead>
<tbody>${body.map((row, index) => html`<tr${isSummed && index === body.length - 1 ? new SafeHtml(' class="sum"') : null}>${row.map((cell, column) => (column === 0 ? html`<th scope="row">${cell}</th>` : html`<td${right(column)}>${cell}</td>`))}</tr>`)}</tbody></table>`;
};

import { brakeSentence } from '#shared/domain/brake-sentences.ts';
import { satisfactionText } from '#shared/domain/figure-text.ts';
import { POTENTIAL_KEYS } from '#shared/domain/flags.ts';
import { type Satisfaction, satisfactionInEvidence, withoutSatisfaction } from '#shared/domain/satisfaction.ts';
import { serviceTermNames } from '#shared/domain/service-plan.ts';
import { termInWords, termNameInWords } from '#shared/domain/service-words.ts';
import { currencyExponent } from '#shared/domain/values.ts';
import { PermanentError } from '#shared/errors.ts';
import { costSentence } from '../cost-text.ts';
import { formatChange, formatMetric, formatNumber, formatShare, type Language, labelIn } from '../format-value.ts';
import { reasonInWords } from '../summary-text.ts';
import { outcomesSection } from './outcomes-section.ts';
import { paretoChart } from './pareto-chart.ts';
import type { ReportData, SurveyResult, SurveyRow } from './report-model.ts';
import { REPORT_STYLE } from './report-style.ts';
import { evidenceInWords, fill, type ReportWords, wordsOf } from './report-words.ts';
import { resultsTables } from './results-tables.ts';
import { html, SafeHtml } from './safe-html.ts';
import { teamSection } from './team-section.ts';

/**
 * The report of a run as one HTML document for screen and paper: no script, nothing loaded from elsewhere, every value
 * escaped. The first screen, page 1 in print, says what happened and what needs a person.
 */
export const renderReport = (data: ReportData, language: Language): string => {
  const view = newView(data, language);
  const { words } = view;
  const title = `${words.title} ${data.summary.runId}`;
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new SafeHtml(REPORT_STYLE)}</style>
</head>
<body class="${language === 'en' ? 'en' : 'zh'}">
<main>
<header>
<p class="meta">${labelIn(data.policy.title, language)} · ${words.asOf} ${data.summary.asOf} · ${words.run} ${data.summary.runId}</p>
<h1 class="state-${data.summary.state}">${sentence(view)}</h1>
</header>
${firstScreen(view)}
<div class="rest">
${otherDimensions(view)}
${paretoSection(view)}
${scoresSection(view)}
${surveySection(view)}
${staffSection(view)}
${serviceSection(view)}
${flagsSection(view)}
${data.outcomes === undefined ? null : outcomesSection(data.outcomes, language)}
${quarantineSection(view)}
${brakesSection(view)}
</div>
<footer>
<p>${words.footer}</p>
<p>${workLine(view)}</p>
${data.cost === undefined ? null : html`<p>${costSentence(data.cost, data.cost.usedOn, language)} ${words.costSoFar}</p>`}
<p>${words.policy} ${data.summary.policy.name} ${data.summary.policy.version} · ${words.by} ${data.by} · ${words.computed} ${data.frozenAt}</p>
</footer>
</main>
</body>
</html>
`.markup;
};

interface View {
  readonly data: ReportData;
  readonly language: Language;
  readonly words: ReportWords;
  number(value: number): string;
  /** A figure of the value metric. */
  worth(value: number | null): string;
  segment(name: string | null): string;
}

const newView = (data: ReportData, language: Language): View => {
  const words = wordsOf(language);
  const main = data.policy.dimensions.find((dimension) => dimension.name === data.policy.mainDimension);
  if (main === undefined) {
    throw new PermanentError('report-without-dimension', `the report lacks dimension ${data.policy.mainDimension}`);
  }
  const labels = new Map(main.segments.map((segment) => [segment.name, labelIn(segment.label, language)]));
  return {
    data,
    language,
    words,
    number: (value) => formatNumber(value, language),
    worth: (value) => figure(data, data.policy.valueMetric, value, language),
    segment: (name) => (name === null ? words.total : (labels.get(name) ?? name)),
  };
};

/** The value of a metric or score by name; a name that the policy does not know is a plain number. */
const figure = (data: ReportData, name: string, value: string | number | null, language: Language): string => {
  const known = data.policy.labels[name];
  const shown =
    known?.inMinorUnits === true && typeof value === 'number'
      ? value / 10 ** currencyExponent(data.policy.currency)
      : value;
  return formatMetric(shown, known?.unit ?? 'number', data.policy.currency, language);
};

const sentence = (view: View): string => {
  const { data, words, number } = view;
  const { summary, movement } = data;
  const state = words[summary.state];
  const gap = view.language === 'en' ? ' ' : '';
  const placed = data.segments.reduce((sum, row) => sum + row.count, 0);
  if (summary.state === 'failed') return `${state}${data.error === null ? '' : `${gap}${data.error}`}`;
  const parts = [state];
  if (summary.state === 'held')
    parts.push(...summary.brakes.map((hit) => `${brakeIn(hit, view)}${view.language === 'en' ? '.' : '。'}`));
  const known = data.segments.some((row) => row.before > 0);
  const moved = movement.up.count + movement.down.count + movement.sideways.count;
  const done = summary.state === 'published' || summary.state === 'degraded' || summary.state === 'applying';
  parts.push(
    known
      ? fill(done ? words.moved : words.wouldMove, {
          moved: number(moved),
          customers: number(placed),
          up: number(movement.up.count),
          down: number(movement.down.count),
        })
      : fill(words.first, { customers: number(placed) }),
  );
  if (movement.sideways.count > 0) parts.push(fill(words.sideways, { count: number(movement.sideways.count) }));
  const waiting = waitingForPerson(data);
  parts.push(waiting === 0 ? words.noWaits : fill(words.waits, { count: number(waiting) }));
  return parts.join(gap);
};

const waitingForPerson = (data: ReportData): number =>
  data.needsPerson.exits +
  data.needsPerson.upgrades +
  (data.needsPerson.casesDueToday ?? 0) +
  (data.needsPerson.uncertainMails ?? 0) +
  (data.summary.state === 'held' ? data.summary.brakes.length : 0);

const firstScreen = (view: View): SafeHtml => html`<section class="first">
${figures(view)}
<div class="columns">
<div>
${segmentsTable(view)}
${matrix(view)}
</div>
<div>
${needsPerson(view)}
${movementTable(view)}
</div>
</div>
${callFirst(view)}
</section>`;

const figures = ({ data, words, number }: View): SafeHtml => {
  const placed = data.segments.reduce((sum, row) => sum + row.count, 0);
  const { quarantined, population } = data.summary;
  const tile = (label: string, value: string, note = ''): SafeHtml =>
    html`<div class="tile"><dt>${label}</dt><dd>${value}${note === '' ? null : html`<small>${note}</small>`}</dd></div>`;
  return html`<dl class="tiles">
${tile(
  words.read,
  number(population),
  `= ${fill(words.equation, { placed: number(placed), left: number(population - quarantined - placed), quarantined: number(quarantined) })}`,
)}
${tile(words.fresh, number(data.movement.fresh.count))}
${tile(words.left, number(data.movement.left.count))}
${tile(words.dataAsOf, data.summary.newestFact ?? words.none)}
</dl>`;
};

const segmentsTable = (view: View): SafeHtml => {
  const { data, words, number, language } = view;
  const total = data.segments.reduce((sum, row) => sum + row.count, 0);
  const before = data.segments.reduce((sum, row) => sum + row.before, 0);
  const survey = data.survey;
  const metric = data.policy.labels[data.policy.valueMetric]?.label;
  const row = (segment: string | null, count: number, previous: number, share: number | null): SafeHtml => {
    const result = survey?.rows.find((one) => one.segment === segment);
    return html`<tr${segment === null ? new SafeHtml(' class="sum"') : null}><th scope="row">${view.segment(segment)}</th><td>${number(count)}</td><td>${previous === 0 && before === 0 ? '–' : formatChange(count - previous, language)}</td><td>${share === null ? '–' : formatShare(share, language)}</td>${survey === null ? null : html`<td>${estimateShort(survey, result, view)}</td>`}</tr>`;
  };
  return html`<h2>${words.segments}</h2>
<table class="figures">
<thead><tr><th scope="col">${words.segment}</th><th scope="col">${words.customers}</th><th scope="col">${words.change}</th><th scope="col">${words.valueShare}</th>${survey === null ? null : html`<th scope="col">${words[survey.ask]} <small>(${words.interval}, ${words.answersShort})</small></th>`}</tr></thead>
<tbody>
${data.segments.map((one) => row(one.segment, one.count, one.before, one.valueShare))}
${row(null, total, before, data.segments.some((one) => one.valueShare !== null) ? 1 : null)}
</tbody></table>
${metric === undefined ? null : html`<p class="note">${fill(words.valueNote, { metric: labelIn(metric, language) })}</p>`}`;
};

/** `+34 (+12 … +51), n 41`; what is hidden or missing is said. */
const estimateShort = (survey: SurveyResult, row: SurveyRow | undefined, view: View): SafeHtml => {
  const { words } = view;
  if (row === undefined || (row.answers === 0 && !row.hidden))
    return html`<span class="quiet">${words.noAnswers}</span>`;
  if (row.hidden || row.estimate === null) return html`<span class="quiet">${words.hidden}</span>`;
  return html`<b>${points(row.estimate.score, survey, view)}</b> <small>(${points(row.estimate.low, survey, view)} … ${points(row.estimate.high, survey, view)}, ${view.number(row.answers)})</small>`;
};

const points = (value: number, survey: SurveyResult, { language }: View): string =>
  survey.ask === 'nps' ? formatChange(Math.round(value), language) : formatShare(value / 100, language);

const needsPerson = (view: View): SafeHtml => {
  const { data, words, number } = view;
  const { exits, upgrades, casesDueToday, uncertainMails } = data.needsPerson;
  const over = (count: number): string => (count > 0 ? fill(words.overCapacity, { count: number(count) }) : '');
  const line = (label: string, count: number | null, note = ''): SafeHtml =>
    html`<li${count === null || count === 0 ? new SafeHtml(' class="quiet"') : null}><b>${count === null ? '–' : number(count)}</b><span>${label}${note === '' ? null : html` <small>${note}</small>`}${count === null ? html` <small>${words.notKnown}</small>` : null}</span></li>`;
  return html`<h2>${words.needsPerson}</h2>
<ul class="person">
${line(words.exits, exits, over(data.summary.flags.exitOverCapacity))}
${line(words.upgrades, upgrades, over(data.summary.flags.upgradeOverCapacity))}
${line(words.casesDue, casesDueToday)}
${line(words.brakesHit, data.summary.state === 'held' ? data.summary.brakes.length : 0)}
${line(words.uncertain, uncertainMails)}
</ul>`;
};

const movementTable = (view: View): SafeHtml => {
  const { data, words, number, worth } = view;
  const reasons = Object.entries(data.summary.heldBack[data.policy.mainDimension] ?? {})
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reasonInWords(reason, view.language)} ${number(count)}`)
    .join(', ');
  const rows: [string, { readonly count: number; readonly value: number }][] = [
    [words.up, data.movement.up],
    [words.down, data.movement.down],
    ...(data.movement.sideways.count > 0
      ? [[words.sidewaysShort, data.movement.sideways] satisfies [string, { count: number; value: number }]]
      : []),
    [words.heldBack, data.movement.heldBack],
  ];
  return html`<h2>${words.movement}</h2>
<table class="figures">
<thead><tr><th scope="col"></th><th scope="col">${words.customers}</th><th scope="col">${words.valueAtStake}</th></tr></thead>
<tbody>${rows.map(([label, one]) => html`<tr><th scope="row">${label}</th><td>${number(one.count)}</td><td>${worth(one.value)}</td></tr>`)}</tbody></table>
<p class="note">${words.heldBack}: ${words.heldBackNote}${reasons === '' ? '' : ` (${reasons})`}</p>`;
};

const callFirst = (view: View): SafeHtml => {
  const { data, words, worth } = view;
  if (data.callFirst.length === 0) return html`<h2>${words.callFirst}</h2><p>${words.callNone}</p>`;
  return html`<h2>${words.callFirst}</h2>
<table class="list">
<thead><tr><th scope="col">${words.customer}</th><th scope="col">${words.segment}</th><th scope="col" class="right">${words.value}</th><th scope="col">${words.owner}</th><th scope="col">${words.why}</th></tr></thead>
<tbody>${data.callFirst.map(
    (call) =>
      html`<tr><td class="id">${call.customerId}</td><td>${view.segment(call.segment)}</td><td class="right">${worth(call.value)}</td><td>${owner(call, words)}</td><td>${[...call.reasons.map((reason) => words[reason]), ...(call.satisfaction === undefined || call.satisfaction === null ? [] : [satisfactionIn(call.satisfaction, view)])].join(view.language === 'en' ? '; ' : '；')}</td></tr>`,
  )}</tbody></table>`;
};

const owner = (
  one: { readonly manager: string | null; readonly branch: string | null },
  words: ReportWords,
): string => {
  if (one.manager !== null) return one.branch === null ? one.manager : `${one.manager}, ${one.branch}`;
  return one.branch === null ? words.centralQueue : fill(words.branchQueue, { branch: one.branch });
};

const matrix = (view: View): SafeHtml => {
  const { data, words, number } = view;
  const moves = data.summary.moves[data.policy.mainDimension] ?? [];
  const heading = html`<h2>${words.matrix}</h2>`;
  if (!moves.some((move) => move.from !== null)) return html`${heading}<p class="note">${words.matrixFirst}</p>`;
  const names = data.segments.map((row) => row.segment);
  const from: (string | null)[] = [
    ...names.filter((name) => moves.some((move) => move.from === name)),
    ...(moves.some((move) => move.from === null) ? [null] : []),
  ];
  const to: (string | null)[] = [
    ...names.filter((name) => moves.some((move) => move.to === name)),
    ...(moves.some((move) => move.to === null) ? [null] : []),
  ];
  const countOf = (a: string | null, b: string | null): number =>
    moves.filter((move) => move.from === a && move.to === b).reduce((sum, move) => sum + move.count, 0);
  const rank = (name: string | null): number => (name === null ? names.length : names.indexOf(name));
  const cell = (a: string | null, b: string | null): SafeHtml => {
    const count = countOf(a, b);
    if (count === 0) return html`<td class="empty">·</td>`;
    const total = to.reduce((sum, column) => sum + countOf(a, column), 0);
    const strength = Math.max(0.1, Math.min(0.75, Math.sqrt(count / total) * 0.75));
    const tone = a === b ? '152,162,179' : a === null ? '31,95,191' : rank(b) < rank(a) ? '2,122,72' : '180,71,8';
    return html`<td style="background:rgba(${tone},${strength.toFixed(2)})">${number(count)}</td>`;
  };
  return html`${heading}
<table class="matrix figures">
<thead><tr><th scope="col">${words.before}</th>${to.map((column) => html`<th scope="col">${column === null ? words.left : view.segment(column)}</th>`)}</tr></thead>
<tbody>${from.map((row) => html`<tr><th scope="row">${row === null ? words.fresh : view.segment(row)}</th>${to.map((column) => cell(row, column))}</tr>`)}</tbody></table>
<p class="note">${words.matrixNote}</p>`;
};

const paretoSection = (view: View): SafeHtml => {
  const { data, words, language } = view;
  if (data.pareto === null) return html`<section><h2>${words.pareto}</h2><p>${words.paretoNone}</p></section>`;
  const { points: curve, customersFor80 } = data.pareto;
  return html`<section class="chart"><h2>${words.pareto}</h2>
<p>${fill(words.paretoNote, { share: formatShare(customersFor80, language) })}</p>
<figure role="img" aria-label="${fill(words.paretoNote, { share: formatShare(customersFor80, language) })}">${paretoChart(curve, customersFor80, { customers: words.cumulativeCustomers, value: words.cumulativeValue })}</figure></section>`;
};

const scoresSection = (view: View): SafeHtml => {
  const { data, words, language } = view;
  if (data.scores.length === 0) return html``;
  const segments = data.segments.filter((row) => row.count > 0).map((row) => row.segment);
  return html`<section><h2>${words.scores}</h2>
<table class="figures shaded">
<thead><tr><th scope="col">${words.score}</th>${segments.map((name) => html`<th scope="col">${view.segment(name)}</th>`)}</tr></thead>
<tbody>${data.scores.map(
    (score) =>
      html`<tr><th scope="row">${labelIn(score.label, language)}</th>${segments.map((name) => {
        const cell = score.bySegment[name];
        if (cell === undefined || cell.mean === null) return html`<td class="empty">–</td>`;
        const span = score.high - score.low;
        const strength = span > 0 ? 0.05 + 0.4 * ((cell.mean - score.low) / span) : 0.05;
        return html`<td style="background:rgba(31,95,191,${strength.toFixed(2)})">${formatNumber(cell.mean, language, 2)}</td>`;
      })}</tr>`,
  )}</tbody></table>
<p class="note">${words.scoresNote}</p></section>`;
};

const surveySection = (view: View): SafeHtml => {
  const { data, words, number, language } = view;
  const { survey, wave } = data;
  const heading = html`<h2>${words.survey}</h2>`;
  const mails =
    wave === null
      ? html`<p class="note">${words.noWave}</p>`
      : html`<p>${fill(words.wave, { wave: wave.waveId })}: ${[
          [words.mailsPlanned, wave.planned],
          [words.mailsSent, wave.sent],
          [words.mailsAnswered, wave.answered],
          [words.mailsNotYet, wave.notYet],
          [words.mailsUncertain, wave.uncertain],
          [words.mailsRejected, wave.rejected],
        ]
          .map(([label, count]) => `${label} ${typeof count === 'number' ? number(count) : count}`)
          .join(' · ')}${
          Object.keys(wave.skipped).length === 0
            ? null
            : html`<br>${words.mailsSkipped}: ${Object.entries(wave.skipped)
                .map(([reason, count]) => `${reasonInWords(reason, language)} ${number(count)}`)
                .join(' · ')}`
        }</p>`;
  if (data.results !== undefined && data.results !== null && data.results.total.answered !== 0)
    return html`<section class="long">${heading}${resultsTables(data.results, language, view.segment)}${mails}</section>`;
  if (survey === null) return html`<section>${heading}<p>${words.noSurvey}</p>${mails}</section>`;
  const withMails = survey.rows.some((row) => row.invited !== undefined);
  return html`<section>${heading}
<table class="figures">
<thead><tr><th scope="col">${words.segment}</th>${withMails ? html`<th scope="col">${words.invited}</th><th scope="col">${words.delivered}</th>` : null}<th scope="col">${words.answers}</th>${withMails ? html`<th scope="col">${words.responseRate}</th>` : null}<th scope="col">${words[survey.ask]}</th><th scope="col">${words.interval}</th></tr></thead>
<tbody>${survey.rows.map(
    (row) =>
      html`<tr${row.segment === null ? new SafeHtml(' class="sum"') : null}><th scope="row">${view.segment(row.segment)}</th>${withMails ? html`<td>${row.invited === undefined ? '–' : number(row.invited)}</td><td>${row.delivered === undefined ? '–' : number(row.delivered)}</td>` : null}<td>${row.hidden ? html`<span class="quiet">&lt; 5</span>` : number(row.answers)}</td>${withMails ? html`<td>${row.delivered === undefined || row.delivered === 0 || row.hidden ? '–' : formatShare(row.answers / row.delivered, language)}</td>` : null}${
        row.estimate === null
          ? html`<td class="quiet">${row.hidden ? words.hidden : words.noAnswers}</td><td class="empty">–</td>`
          : html`<td>${points(row.estimate.score, survey, view)}</td><td>${points(row.estimate.low, survey, view)} … ${points(row.estimate.high, survey, view)}</td>`
      }</tr>`,
  )}</tbody></table>
<p class="note">${fill(words.surveyNote, { days: number(survey.windowDays) })}</p>
${mails}</section>`;
};

/** Nothing where no wave came before. */
const staffSection = ({ data, language, segment }: View): SafeHtml | null =>
  data.team === undefined || data.team === null || data.team.total?.answered === 0
    ? null
    : teamSection(
        data.team,
        language,
        data.segments.map((row) => row.segment),
        segment,
      );

const flagsSection = (view: View): SafeHtml => {
  const { data, words, number, worth } = view;
  if (data.flags.shown.length === 0) return html`<section><h2>${words.flags}</h2><p>${words.flagsNone}</p></section>`;
  return html`<section class="long"><h2>${words.flags}</h2>
<table class="list">
<thead><tr><th scope="col">${words.kind}</th><th scope="col">${words.customer}</th><th scope="col">${words.segment}</th><th scope="col">${words.owner}</th><th scope="col" class="right">${words.value}</th><th scope="col">${words.evidence}</th></tr></thead>
<tbody>${data.flags.shown.map(
    (flag) =>
      html`<tr><td><span class="kind-${flag.kind}">${words[flag.kind]}</span></td><td class="id">${flag.customerId}</td><td>${view.segment(flag.segment)}</td><td>${owner(flag, words)}</td><td class="right">${worth(flag.stake)}</td><td>${evidence(flag.evidence, view)}</td></tr>`,
  )}</tbody></table>
${data.flags.more > 0 ? html`<p class="note">${fill(words.more, { count: number(data.flags.more) })}</p>` : null}</section>`;
};

/** Figures that are in the unit of the evidence's own `metric`. */
const IN_METRIC_UNIT = new Set(['value', 'before', 'cutoff', 'shortBy']);

/** The figures of a reason as one line, under the policy's own names where it has them. */
const evidence = (figures: Readonly<Record<string, string | number>>, view: View): string => {
  const { data, language } = view;
  const metric = typeof figures['metric'] === 'string' ? figures['metric'] : undefined;
  const metricLabel = metric === undefined ? undefined : data.policy.labels[metric]?.label;
  const satisfaction = satisfactionInEvidence(figures);
  const texts = Object.entries(withoutSatisfaction(figures))
    .filter(([name]) => name !== 'metric' && name !== 'rising' && name !== 'segment')
    .map(([name, value]) => {
      if (name === 'wouldBe') return `→ ${view.segment(String(value))}`;
      const label = name === 'value' && metricLabel !== undefined ? metricLabel : data.policy.labels[name]?.label;
      if (name === POTENTIAL_KEYS.of) {
        const score = data.policy.labels[String(value)]?.label;
        return `${evidenceInWords(name, language)} ${score === undefined ? String(value) : labelIn(score, language)}`;
      }
      const shown = figure(data, metric !== undefined && IN_METRIC_UNIT.has(name) ? metric : name, value, language);
      return `${label === undefined ? evidenceInWords(name, language) : labelIn(label, language)} ${shown}`;
    });
  return [...texts, ...(satisfaction === null ? [] : [satisfactionIn(satisfaction, view)])].join(
    language === 'en' ? '; ' : '；',
  );
};

const satisfactionIn = (satisfaction: Satisfaction, { words, language }: View): string =>
  `${words.satisfaction} ${satisfactionText(satisfaction, language === 'en' ? 'en' : 'zh')}`;

const quarantineSection = ({ data, words, number }: View): SafeHtml => {
  if (data.quarantined.shown.length === 0) {
    return html`<section><h2>${words.quarantined}</h2><p>${words.quarantinedNone}</p></section>`;
  }
  return html`<section class="long"><h2>${words.quarantined}</h2>
<table class="list">
<thead><tr><th scope="col">${words.record}</th><th scope="col">${words.reason}</th></tr></thead>
<tbody>${data.quarantined.shown.map((one) => html`<tr><td class="id">${one.record}</td><td>${one.reason}</td></tr>`)}</tbody></table>
${data.quarantined.more > 0 ? html`<p class="note">${fill(words.more, { count: number(data.quarantined.more) })}</p>` : null}</section>`;
};

const brakesSection = (view: View): SafeHtml => {
  const { data, words } = view;
  return html`<section><h2>${words.brakes}</h2>${
    data.summary.brakes.length === 0
      ? html`<p>${words.brakesNone}</p>`
      : html`<ul>${data.summary.brakes.map((hit) => html`<li><b>${hit.brake}</b> (${words.limit} ${String(hit.limit)}): ${brakeIn(hit, view)}</li>`)}</ul>`
  }</section>`;
};

const brakeIn = (hit: ReportData['summary']['brakes'][number], { language, segment }: View): string =>
  brakeSentence(hit, language === 'en' ? 'en' : 'zh', (name) => segment(name)) ?? hit.message;

/** A dimension besides the main one: how many customers each segment has, and what changed. */
const otherDimensions = (view: View): SafeHtml => {
  const { data, words, number, language } = view;
  const others = data.policy.dimensions.filter((dimension) => dimension.name !== data.policy.mainDimension);
  return html`${others.map((dimension) => {
    const counts = data.counts[dimension.name] ?? {};
    const hadRun = Object.values(counts).some((one) => one.before > 0);
    return html`<section><h2>${fill(words.otherDimension, { dimension: labelIn(dimension.label, language) })}</h2>
<table class="figures">
<thead><tr><th scope="col">${words.segment}</th><th scope="col">${words.customers}</th><th scope="col">${words.change}</th></tr></thead>
<tbody>${dimension.segments.map((segment) => {
      const { now, before } = counts[segment.name] ?? { now: 0, before: 0 };
      return html`<tr><th scope="row">${labelIn(segment.label, language)}</th><td>${number(now)}</td><td>${hadRun ? formatChange(now - before, language) : '–'}</td></tr>`;
    })}</tbody></table></section>`;
  })}`;
};

/** One card per segment: what it is promised, its terms, and how many contacts that means. */
const serviceSection = (view: View): SafeHtml => {
  const { data, words, number, language } = view;
  const lang = language === 'en' ? 'en' : 'zh';
  if (serviceTermNames(data.policy.service).length === 0)
    return html`<section><h2>${words.service}</h2><p>${words.serviceNone}</p></section>`;
  const dimensions = data.policy.dimensions.filter((dimension) => data.policy.service[dimension.name] !== undefined);
  return html`<section class="long"><h2>${words.service}</h2>
<p class="note">${words.serviceNote}</p>
${dimensions.map((dimension) => {
  const plans = data.policy.service[dimension.name] ?? {};
  const cards = dimension.segments.filter((segment) => plans[segment.name] !== undefined);
  return html`${dimensions.length > 1 ? html`<h3>${labelIn(dimension.label, language)}</h3>` : null}<div class="plans">${cards.map(
    (segment) => {
      const { valueProposition, ...terms } = plans[segment.name] ?? {};
      const now = data.counts[dimension.name]?.[segment.name]?.now ?? 0;
      const { contactDays } = terms;
      const due = typeof contactDays === 'number' && contactDays > 0 ? Math.ceil((now * 30) / contactDays) : null;
      return html`<div class="plan"><h4>${labelIn(segment.label, language)} <small>${number(now)}</small></h4>
${valueProposition === undefined ? null : html`<p>${termInWords(valueProposition, lang)}</p>`}
<dl>${Object.entries(terms).map(([name, term]) => html`<div><dt>${termNameInWords(name, lang)}</dt><dd>${termInWords(term, lang)}</dd></div>`)}${due === null ? null : html`<div><dt>${words.contactsDue}</dt><dd>${number(due)}</dd></div>`}</dl></div>`;
    },
  )}</div>`;
})}</section>`;
};

const workLine = ({ data, words, number, language }: View): string => {
  const { summary } = data;
  return fill(words.workLine, {
    changed: number(summary.changed),
    stale: number(summary.stale),
    read: formatNumber(summary.units.read, language, 1),
    write: formatNumber(summary.units.write, language, 1),
    seconds: formatNumber(summary.durationMs / 1000, language, 1),
  });
};

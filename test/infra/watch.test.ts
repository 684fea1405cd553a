import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ALARM_USD_A_MONTH, EVERY_MINUTE, MOST_METRICS, metricCosts } from '#infra/metric-costs.ts';
import { FUNCTION_VARIABLES } from '#shared/contracts/environment.ts';
import { FUNCTION_METRICS, METRIC_NAMESPACE, STAGE_METRICS } from '#shared/contracts/metrics.ts';
import { templatesOf } from './templates.ts';

const { loop } = templatesOf('prod');
const ofType = (type: string) => Object.values(loop.Resources).filter((one) => one.Type === type);
const alarms = ofType('AWS::CloudWatch::Alarm').map((one) => one['Properties']);
const alarmNamed = (name: string) => alarms.find((one) => one.AlarmName === `resegment-prod-${name}`);
/** Text of the dashboard; references are left out. */
const dashboards = ofType('AWS::CloudWatch::Dashboard').map(({ Properties }) =>
  Properties.DashboardBody['Fn::Join'][1].filter((part: unknown) => typeof part === 'string').join('REFERENCE'),
);
const body = JSON.parse(dashboards[0]);
const docs = (name: string) => readFileSync(join(import.meta.dirname, '..', '..', 'docs', name), 'utf8');

interface Seen {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Metrics of ours that alarms look at: directly, and inside of expressions. */
const inAlarms: readonly Seen[] = alarms
  .flatMap((one) => [
    one,
    ...(one.Metrics ?? []).map((part: { MetricStat?: { Metric: object } }) => part.MetricStat?.Metric),
  ])
  .filter((metric) => metric?.Namespace === METRIC_NAMESPACE)
  .map((metric) => ({
    name: metric.MetricName,
    dimensions: Object.fromEntries(
      metric.Dimensions.map((one: { Name: string; Value: string }) => [one.Name, one.Value]),
    ),
  }));

/** Metrics of ours that the dashboard names; `.` there means "as in the line before". */
const onDashboard: readonly Seen[] = body.widgets.flatMap((widget: { properties: { metrics?: unknown[][] } }) => {
  let before: unknown[] = [];
  return (widget.properties.metrics ?? []).flatMap((line) => {
    const full = line.map((part, index) => (part === '.' ? before[index] : part));
    if (typeof full[0] !== 'string') return [];
    before = full;
    const names = full.filter((part): part is string => typeof part === 'string');
    if (names[0] !== METRIC_NAMESPACE) return [];
    const dimensions = names.slice(2);
    return [
      {
        name: names[1] ?? '',
        dimensions: Object.fromEntries(
          dimensions.flatMap((part, index) => (index % 2 === 0 ? [[part, dimensions[index + 1] ?? '']] : [])),
        ),
      },
    ];
  });
});
const searches: readonly string[] = body.widgets.flatMap(
  (widget: { properties: { metrics?: { expression?: string }[][] } }) =>
    (widget.properties.metrics ?? []).flatMap(([first]) =>
      first?.expression?.startsWith('SEARCH(') === true ? [first.expression] : [],
    ),
);

describe('what is watched', () => {
  it('is sent by the product, of this stage, and R20 by no other dimension than stage and function', () => {
    expect(onDashboard.length).toBeGreaterThan(20);
    for (const { name, dimensions } of [...inAlarms, ...onDashboard]) {
      expect(Object.keys(STAGE_METRICS)).toContain(name);
      expect(dimensions, name).toEqual({ stage: 'prod' });
    }
    for (const search of searches) {
      const [, schema, name] = /^SEARCH\('\{([^}]+)\} MetricName="(\w+)" stage="prod"'/.exec(search) ?? [];
      expect(schema, search).toBe('Resegment,function,stage');
      expect(Object.keys(FUNCTION_METRICS)).toContain(name);
    }
  });

  it('is everything that is sent: a metric that nobody sees is paid for nothing', () => {
    const seen = [...inAlarms, ...onDashboard].map(({ name }) => name);
    const searched = searches.map((search) => /MetricName="(\w+)"/.exec(search)?.[1]);

    expect(Object.keys(STAGE_METRICS).filter((name) => !seen.includes(name))).toEqual([]);
    expect(Object.keys(FUNCTION_METRICS).filter((name) => !searched.includes(name))).toEqual([]);
  });

  it('has a place in the runbook with unit, meaning and good end', () => {
    const runbook = docs('runbook.md');
    const rows = new Map(
      [...runbook.matchAll(/^\| `(\w+)` +\| ([\w ]+?) +\| ([\w ]+?) +\| (.+?) +\|$/gmu)].map(
        ([, name, unit, good, means]) => [name, { unit, good, means }],
      ),
    );

    expect([...rows.keys()].sort()).toEqual([...Object.keys(STAGE_METRICS), ...Object.keys(FUNCTION_METRICS)].sort());
    for (const [name, { unit, kind, good, means }] of Object.entries({ ...STAGE_METRICS, ...FUNCTION_METRICS })) {
      expect(rows.get(name), name).toEqual({ unit: kind === 'count' ? 'count' : UNITS[unit], good, means });
    }
  });
});

const UNITS = { Count: 'number', Milliseconds: 'ms', Seconds: 's' } as const;

describe('alarms that only our own metrics can give', () => {
  it('ring where answers or events wait too long, and where the sweeper says nothing at all', () => {
    expect(alarmNamed('answers-not-projected')).toMatchObject({
      MetricName: 'OldestAnswerSeconds',
      Threshold: 900,
      EvaluationPeriods: 3,
      Period: 300,
      Statistic: 'Maximum',
      TreatMissingData: 'breaching',
    });
    expect(alarmNamed('events-waiting')).toMatchObject({
      MetricName: 'OldestEventSeconds',
      Threshold: 3_600,
      TreatMissingData: 'breaching',
    });
  });

  it('ring at the third uncertain mail of an hour, at the first brake, and above 1 of 1,000 customers in quarantine', () => {
    expect(alarmNamed('mails-uncertain')).toMatchObject({ Statistic: 'Sum', Period: 3_600, Threshold: 2 });
    expect(alarmNamed('wave-braked')).toMatchObject({ Statistic: 'Sum', Threshold: 0 });
    expect(alarmNamed('records-quarantined')).toMatchObject({ Threshold: 0.1, TreatMissingData: 'notBreaching' });
    expect(alarmNamed('records-quarantined').Metrics[0].Expression).toBe('IF(read > 0, 100 * quarantined / read, 0)');
  });
});

describe('the money of watching', () => {
  const functions = Object.keys(FUNCTION_VARIABLES).length;
  const costs = metricCosts(functions);

  it('is bounded: so many metrics, so many dollars, whatever happens', () => {
    expect(costs.names).toBe(Object.keys(STAGE_METRICS).length + functions * Object.keys(FUNCTION_METRICS).length);
    expect(costs.names).toBeLessThanOrEqual(MOST_METRICS);
    expect(costs.mostUsd).toBeLessThanOrEqual(MOST_METRICS * 0.3);
    expect(costs.usualUsd).toBeLessThan(10);
  });

  it('counts as sent all the time what the functions send that are called every minute', () => {
    const minutely = ofType('AWS::Scheduler::Schedule')
      .map((one) => one['Properties'])
      .filter((one) => one.ScheduleExpression === 'rate(1 minute)');

    expect(minutely).toHaveLength(EVERY_MINUTE.length);
    expect(costs.idleUsd).toBe(2.4);
  });

  it('is what the page on deploying says', () => {
    const looked = alarms.reduce(
      (sum, one) =>
        sum + (one.Metrics?.filter((part: { MetricStat?: unknown }) => part.MetricStat !== undefined).length ?? 1),
      0,
    );
    const page = docs('deploying.md');

    expect(page).toContain(`at most ${MOST_METRICS} of them`);
    expect(page).toContain(`$${(MOST_METRICS * 0.3).toFixed(0)} a month`);
    expect(page).toContain(`$${costs.idleUsd.toFixed(2)} a month`);
    expect(page).toContain(
      `${alarms.length} alarms look at ${looked} metrics, $${(looked * ALARM_USD_A_MONTH).toFixed(2)} a month`,
    );
  });
});

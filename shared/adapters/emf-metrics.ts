import { Metrics as EmfMetrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  FUNCTION_METRICS,
  type FunctionMetric,
  METRIC_NAMESPACE,
  type MetricMeaning,
  STAGE_METRICS,
  type StageMetric,
} from '../contracts/metrics.ts';
import type { Metrics } from '../ports/metrics.ts';

/**
 * Metrics as lines on stdout in CloudWatch's embedded metric format, which the function's log group turns into metrics. One
 * line for the stage and one for the function each time `publish` has anything to send. A value that is no finite number is
 * left out.
 */
export const emfMetrics = (stage: string): Metrics => {
  const ofStage = emitter({ stage });
  const ofFunctions = new Map<string, EmfMetrics>();
  const add = (to: EmfMetrics, name: string, { unit, kind }: MetricMeaning, value: number): void => {
    if (!Number.isFinite(value) || (kind === 'count' && value === 0)) return;
    to.addMetric(name, POWERTOOLS_UNITS[unit], value);
  };
  return {
    addOfStage: (name: StageMetric, value) => add(ofStage, name, STAGE_METRICS[name], value),
    addOfFunction: (functionName, name: FunctionMetric, value) => {
      const emf = ofFunctions.get(functionName) ?? emitter({ stage, function: functionName });
      ofFunctions.set(functionName, emf);
      add(emf, name, FUNCTION_METRICS[name], value);
    },
    publish: () => {
      for (const emf of [ofStage, ...ofFunctions.values()]) if (emf.hasStoredMetrics()) emf.publishStoredMetrics();
    },
  };
};

const POWERTOOLS_UNITS = {
  Count: MetricUnit.Count,
  Milliseconds: MetricUnit.Milliseconds,
  Seconds: MetricUnit.Seconds,
} as const satisfies Record<MetricMeaning['unit'], string>;

/** Powertools adds a dimension `service` by itself, which would only cost. */
const emitter = (dimensions: Readonly<Record<string, string>>): EmfMetrics => {
  const emf = new EmfMetrics({ namespace: METRIC_NAMESPACE });
  emf.clearDefaultDimensions();
  return emf.setDefaultDimensions(dimensions);
};

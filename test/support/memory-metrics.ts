import type { FunctionMetric, StageMetric } from '#shared/contracts/metrics.ts';
import type { Metrics } from '#shared/ports/metrics.ts';

/** Keeps figures as they were given. */
export const memoryMetrics = () => {
  const ofStage: [StageMetric, number][] = [];
  const ofFunctions: [string, FunctionMetric, number][] = [];
  const published: number[] = [];
  const metrics: Metrics = {
    addOfStage: (name, value) => void ofStage.push([name, value]),
    addOfFunction: (functionName, name, value) => void ofFunctions.push([functionName, name, value]),
    publish: () => void published.push(ofStage.length + ofFunctions.length),
  };
  return {
    metrics,
    ofStage,
    ofFunctions,
    /** How many figures there were at each publication. */
    published,
    /** All values given for the name, added up; undefined if none was. */
    sum: (wanted: StageMetric): number | undefined => {
      const values = ofStage.filter(([name]) => name === wanted).map(([, value]) => value);
      return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
    },
  };
};

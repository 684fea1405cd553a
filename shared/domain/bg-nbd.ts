import { PermanentError } from '../errors.ts';

/**
 * BG/NBD: how often a customer buys while being one, and when it silently stops (P. Fader, B. Hardie, K. Lee, "Counting Your
 * Customers the Easy Way", Marketing Science 24, 2005). Purchases come at a rate that differs between customers by a gamma
 * distribution (r, α); after each repeat purchase the customer leaves with a probability that differs by a beta distribution
 * (a, b). Time is in weeks, as published; α is a time too.
 */
export interface PurchaseHistory {
  /** x: days with a purchase after the first such day; a whole number, 0 or more. */
  readonly repeatPurchases: number;
  /** t_x: from the first to the last day with a purchase; 0 without a repeat purchase. */
  readonly lastPurchaseWeeks: number;
  /** T: from the first day with a purchase to today; at least `lastPurchaseWeeks`. */
  readonly ageWeeks: number;
}

export interface BgNbdParameters {
  readonly r: number;
  /** In weeks. */
  readonly alpha: number;
  readonly a: number;
  readonly b: number;
}

export interface BgNbdFit extends BgNbdParameters {
  /** Without the terms that depend on no parameter, as published. */
  readonly logLikelihood: number;
  readonly customers: number;
  /** From the inverse of the observed information; null where a parameter is at its bound or the data say nothing of it. */
  readonly standardErrors: BgNbdParameters | null;
}

type CountedHistory = PurchaseHistory & { readonly customers: number };

/** ln r, ln α, ln a, ln b: the optimiser's variables, so that all four stay positive. */
type Point = readonly [number, number, number, number];

/** Parameters stay between 10⁻⁵ and 10⁵: beyond, customers do not differ (or nobody ever leaves) and the fit says no more. */
const BOUND = Math.log(1e5);
const MAX_STEPS = 200;
/** Converged where a Newton step promises less than this in log-likelihood; 2,357 customers have one of about 10⁴. */
const SMALLEST_GAIN = 1e-9;

/**
 * Maximum likelihood estimate of the four parameters.
 *
 * Newton's method on the logarithms of the parameters with exact first and second derivatives, damped until the likelihood
 * rises, from three starts: r 0.25, 1 and 4; α so that r/α is the mean rate of repeat purchases; a 1 and b 3. The best end
 * counts. No randomness, and histories are sorted and merged first, so their order and grouping do not matter.
 *
 * @param histories with the number of customers that share each history
 * @returns null where there is nothing to fit: nobody, or nobody with a repeat purchase; or where no start converged
 * within 200 steps
 * @throws PermanentError where a history is impossible, such as a last purchase after today
 */
export const fitBgNbd = (histories: readonly CountedHistory[]): BgNbdFit | null => {
  for (const history of histories) checkHistory(history, history.customers);
  const sample = merged(histories);
  const customers = sum(sample, (one) => one.customers);
  const repeats = sum(sample, (one) => one.customers * one.repeatPurchases);
  const weeks = sum(sample, (one) => one.customers * one.ageWeeks);
  if (repeats === 0) return null;

  const most = sample.reduce((highest, one) => Math.max(highest, one.repeatPurchases), 0);
  const evaluate = (point: Point): Evaluation => likelihood(sample, customers, most, point);
  let best: Evaluation | null = null;
  for (const r of [0.25, 1, 4]) {
    const end = maximise(evaluate, [Math.log(r), Math.log((r * weeks) / repeats), 0, Math.log(3)]);
    if (end !== null && (best === null || end.value > best.value)) best = end;
  }
  if (best === null) return null;
  return {
    ...parametersAt(best.point),
    logLikelihood: best.value,
    customers,
    standardErrors: standardErrorsAt(best),
  };
};

/**
 * Purchases to expect from a customer in the `horizonWeeks` after today, given its history: the conditional expectation
 * of Fader, Hardie and Lee (2005, eq. 10). For a customer of age 0 without repeat purchases it is their E[X(t)].
 *
 * Computed without their hypergeometric function, whose formula has a pole at a = 1 and loses all digits for small horizons.
 * The same number is a mean of positive terms: for a customer who is still one, the purchases that would come in the horizon,
 * were nobody to leave, are negative binomial, and the k-th of them happens with probability
 * (b+x)…(b+x+k−2) / (a+b+x)…(a+b+x+k−2). So the result is never negative, never NaN, and grows with the horizon.
 *
 * The work grows with the horizon in units of `α + ageWeeks`; more than {@link MAX_HORIZON_RATIO} of them count as so many.
 * @returns 0 for a horizon of 0
 * @throws PermanentError where parameters, history or horizon are impossible
 */
export const expectedPurchases = (
  parameters: BgNbdParameters,
  history: PurchaseHistory,
  horizonWeeks: number,
): number => {
  checkHistory(history, 1);
  checkParameters(parameters);
  if (!(horizonWeeks >= 0 && Number.isFinite(horizonWeeks)))
    throw impossible(`a horizon of ${horizonWeeks} weeks`, 'a number of weeks, 0 or more');
  const { r, alpha, a, b } = parameters;
  const { repeatPurchases: x, ageWeeks } = history;
  const shape = r + x;
  const ratio = Math.min(horizonWeeks / (alpha + ageWeeks), MAX_HORIZON_RATIO, MAX_TERMS / shape);
  return probabilityAlive(parameters, history) * purchasesWhileAlive(shape, ratio, a, b + x);
};

/** Ten thousand times (α + age) is far beyond any horizon a policy can ask for, unless customers are new and α is minutes. */
const MAX_HORIZON_RATIO = 1e4;
const MAX_TERMS = 1e6;
/** Terms this much smaller than the largest are left out. */
const NEGLIGIBLE = 1e-18;

/**
 * Mean of C(N) over N ~ negative binomial with the given shape and mean `shape × ratio`, where C(n) is the expected number of
 * n purchase opportunities that are taken before the customer leaves: C(n) = Σ_{k<n} Π_{j<k} (stay+j)/(leave+stay+j).
 * Probabilities are taken relative to the most likely n, so that none of the needed ones underflows.
 */
const purchasesWhileAlive = (shape: number, ratio: number, leave: number, stay: number): number => {
  if (ratio === 0) return 0;
  const z = ratio / (1 + ratio);
  const mode = Math.max(0, Math.floor((shape - 1) * ratio));
  // Down from the mode: how far the lower terms matter, and their sum.
  let lowest = mode;
  let lowestWeight = 1;
  while (lowest > 0 && lowestWeight > NEGLIGIBLE) {
    lowestWeight *= lowest / ((shape + lowest - 1) * z);
    lowest -= 1;
  }
  let taken = 0;
  let still = 1;
  let n = 0;
  const advance = (): void => {
    taken += still;
    still *= (stay + n) / (leave + stay + n);
    n += 1;
  };
  while (n < lowest) advance();
  let weight = lowestWeight;
  let weights = 0;
  let mean = 0;
  // n = 0 contributes nothing to the mean: for small horizons the rest is then summed without cancellation.
  while (n <= mode || weight > NEGLIGIBLE * weights) {
    weights += weight;
    mean += weight * taken;
    weight *= ((shape + n) / (n + 1)) * z;
    advance();
  }
  return mean / weights;
};

/**
 * The probability that a customer has not left yet. It is 1 for everyone without a repeat purchase, however long ago, since
 * one can leave only after a repeat purchase: never use it alone to say who is gone.
 */
export const probabilityAlive = (parameters: BgNbdParameters, history: PurchaseHistory): number => {
  const { r, alpha, a, b } = parameters;
  const { repeatPurchases: x, lastPurchaseWeeks, ageWeeks } = history;
  if (x === 0) return 1;
  const silence = Math.log((alpha + ageWeeks) / (alpha + lastPurchaseWeeks));
  return 1 / (1 + (a / (b + x - 1)) * Math.exp((r + x) * silence));
};

interface Evaluation {
  readonly point: Point;
  readonly value: number;
  /** With respect to the logarithms. */
  readonly gradient: readonly number[];
  /** Minus the second derivatives, row by row. */
  readonly information: readonly (readonly number[])[];
}

const INDEX = [0, 1, 2, 3] as const;

const parametersAt = ([r, alpha, a, b]: Point): BgNbdParameters => ({
  r: Math.exp(r),
  alpha: Math.exp(alpha),
  a: Math.exp(a),
  b: Math.exp(b),
});

/** Log-likelihood with its derivatives. Differences of ln Γ are sums of logarithms, since purchases are whole numbers. */
const likelihood = (sample: readonly CountedHistory[], customers: number, most: number, point: Point): Evaluation => {
  const { r, alpha, a, b } = parametersAt(point);
  const ofR = risingSums(r, most);
  const ofB = risingSums(b, most);
  const ofAb = risingSums(a + b, most);
  let value = customers * r * Math.log(alpha);
  // In the natural parameters: gradient and second derivatives.
  const g = [customers * Math.log(alpha), (customers * r) / alpha, 0, 0];
  const h = zeros();
  addTo(h, 0, 1, customers / alpha);
  addTo(h, 1, 1, (-customers * r) / (alpha * alpha));

  for (const { repeatPurchases: x, lastPurchaseWeeks, ageWeeks, customers: n } of sample) {
    const shape = r + x;
    const age = alpha + ageWeeks;
    const last = alpha + lastPurchaseWeeks;
    const logAge = Math.log(age);
    value += n * (at(ofR.log, x) + at(ofB.log, x) - at(ofAb.log, x) - shape * logAge);
    g[0] = at(g, 0) + n * (at(ofR.first, x) - logAge);
    g[1] = at(g, 1) - (n * shape) / age;
    g[2] = at(g, 2) - n * at(ofAb.first, x);
    g[3] = at(g, 3) + n * (at(ofB.first, x) - at(ofAb.first, x));
    addTo(h, 0, 0, n * at(ofR.second, x));
    addTo(h, 0, 1, -n / age);
    addTo(h, 1, 1, (n * shape) / (age * age));
    addTo(h, 2, 2, -n * at(ofAb.second, x));
    addTo(h, 2, 3, -n * at(ofAb.second, x));
    addTo(h, 3, 3, n * (at(ofB.second, x) - at(ofAb.second, x)));
    if (x === 0) continue;
    // The customer may have left right after the last purchase: a second way, `odds` times as likely as having stayed.
    const silence = logAge - Math.log(last);
    const logOdds = Math.log(a) - Math.log(b + x - 1) + shape * silence;
    const left = 1 / (1 + Math.exp(-logOdds));
    value += n * (logOdds > 0 ? logOdds + Math.log1p(Math.exp(-logOdds)) : Math.log1p(Math.exp(logOdds)));
    const slopes = [silence, shape * (1 / age - 1 / last), 1 / a, -1 / (b + x - 1)];
    for (const i of INDEX) {
      g[i] = at(g, i) + n * left * at(slopes, i);
      for (const j of INDEX) if (j >= i) addTo(h, i, j, n * left * (1 - left) * at(slopes, i) * at(slopes, j));
    }
    addTo(h, 0, 1, n * left * (1 / age - 1 / last));
    addTo(h, 1, 1, n * left * shape * (1 / (last * last) - 1 / (age * age)));
    addTo(h, 2, 2, (-n * left) / (a * a));
    addTo(h, 3, 3, (n * left) / ((b + x - 1) * (b + x - 1)));
  }
  const scale = [r, alpha, a, b];
  const gradient = g.map((slope, i) => slope * at(scale, i));
  const information = INDEX.map((i) =>
    INDEX.map(
      (j) =>
        -at(scale, i) * at(scale, j) * at(h[Math.min(i, j)] ?? [], Math.max(i, j)) - (i === j ? at(gradient, i) : 0),
    ),
  );
  return { point, value, gradient, information };
};

/** For x = 0..most: Σ_{i<x} of ln(s+i), its derivative 1/(s+i), and the second, −1/(s+i)². */
const risingSums = (
  start: number,
  most: number,
): { readonly log: number[]; readonly first: number[]; readonly second: number[] } => {
  const log = [0];
  const first = [0];
  const second = [0];
  for (let i = 0; i < most; i += 1) {
    log.push(at(log, i) + Math.log(start + i));
    first.push(at(first, i) + 1 / (start + i));
    second.push(at(second, i) - 1 / ((start + i) * (start + i)));
  }
  return { log, first, second };
};

/** Damped Newton steps inside the bounds; null where it does not converge. */
const maximise = (evaluate: (point: Point) => Evaluation, start: Point): Evaluation | null => {
  let here = evaluate(start);
  let damping = 0;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const { point, gradient } = here;
    const isFixed = INDEX.map(
      (i) => Math.abs(at(point, i)) >= BOUND && Math.sign(at(gradient, i)) === Math.sign(at(point, i)),
    );
    const direction = newtonDirection(here, isFixed, damping);
    if (direction === null) {
      damping = Math.max(1, damping * 10);
      continue;
    }
    const promised = INDEX.reduce<number>((gain, i) => gain + (at(gradient, i) * at(direction, i)) / 2, 0);
    if (promised < SMALLEST_GAIN && damping < 1) return here;
    const next = evaluate(moved(point, direction));
    if (next.value >= here.value) {
      if (promised < SMALLEST_GAIN) return next;
      here = next;
      damping = damping > 0.01 ? damping / 10 : 0;
    } else {
      // Rounding hides gains below about one part in 10¹⁴: nothing better is near.
      if (promised < 1e-14 * Math.abs(here.value)) return here;
      damping = Math.max(0.01, damping * 10);
    }
  }
  return null;
};

/**
 * At most e² times in one step, and no further than to the first bound: the whole step is shortened, since r and α move
 * along a ridge where shortening one of them alone would fall off.
 */
const moved = ([r, alpha, a, b]: Point, direction: readonly number[]): Point => {
  const values = [r, alpha, a, b];
  const share = INDEX.reduce<number>((least, i) => {
    const step = at(direction, i);
    const room = BOUND - Math.sign(step) * at(values, i);
    return step === 0 ? least : Math.min(least, 2 / Math.abs(step), room > 0 ? room / Math.abs(step) : 1);
  }, 1);
  const to = (value: number, i: number): number => {
    const next = value + share * at(direction, i);
    return Math.abs(next) > BOUND - 1e-9 ? Math.sign(next) * BOUND : next;
  };
  return [to(r, 0), to(alpha, 1), to(a, 2), to(b, 3)];
};

/** Solves (information + damping × its size) d = gradient for the free parameters; null where that is not positive definite. */
const newtonDirection = (
  { gradient, information }: Evaluation,
  isFixed: readonly boolean[],
  damping: number,
): readonly number[] | null => {
  const free = INDEX.filter((i) => isFixed[i] !== true);
  const matrix = INDEX.map((i) =>
    INDEX.map((j) => {
      if (!free.includes(i) || !free.includes(j)) return i === j ? 1 : 0;
      const entry = at(information[i] ?? [], j);
      return i === j ? entry + damping * Math.max(1, Math.abs(entry)) : entry;
    }),
  );
  return solve(
    matrix,
    INDEX.map((i) => (free.includes(i) ? at(gradient, i) : 0)),
  );
};

const standardErrorsAt = ({ point, information }: Evaluation): BgNbdParameters | null => {
  if (point.some((value) => Math.abs(value) >= BOUND)) return null;
  const variances = INDEX.map((i) => {
    const column = solve(
      information,
      INDEX.map((j) => (i === j ? 1 : 0)),
    );
    return column === null ? Number.NaN : at(column, i);
  });
  if (!variances.every((variance) => variance > 0 && Number.isFinite(variance))) return null;
  const { r, alpha, a, b } = parametersAt(point);
  const error = (i: number): number => Math.sqrt(at(variances, i));
  return { r: r * error(0), alpha: alpha * error(1), a: a * error(2), b: b * error(3) };
};

/** Cholesky; null where the matrix is not positive definite to working precision. */
const solve = (matrix: readonly (readonly number[])[], right: readonly number[]): readonly number[] | null => {
  const lower = zeros();
  for (const i of INDEX) {
    for (const j of INDEX) {
      if (j > i) continue;
      let entry = at(matrix[i] ?? [], j);
      for (let k = 0; k < j; k += 1) entry -= at(lower[i] ?? [], k) * at(lower[j] ?? [], k);
      if (i !== j) set(lower, i, j, entry / at(lower[j] ?? [], j));
      else if (entry > 1e-12 * Math.abs(at(matrix[i] ?? [], i))) set(lower, i, i, Math.sqrt(entry));
      else return null;
    }
  }
  const solution = [...right];
  for (const i of INDEX) {
    let entry = at(solution, i);
    for (let k = 0; k < i; k += 1) entry -= at(lower[i] ?? [], k) * at(solution, k);
    solution[i] = entry / at(lower[i] ?? [], i);
  }
  for (const i of [3, 2, 1, 0]) {
    let entry = at(solution, i);
    for (let k = i + 1; k < INDEX.length; k += 1) entry -= at(lower[k] ?? [], i) * at(solution, k);
    solution[i] = entry / at(lower[i] ?? [], i);
  }
  return solution;
};

const zeros = (): number[][] => INDEX.map((): number[] => [0, 0, 0, 0]);
const at = (list: readonly number[], index: number): number => list[index] ?? Number.NaN;
const set = (matrix: number[][], row: number, column: number, value: number): void => {
  const line = matrix[row];
  if (line !== undefined) line[column] = value;
};
const addTo = (matrix: number[][], row: number, column: number, value: number): void =>
  set(matrix, row, column, at(matrix[row] ?? [], column) + value);

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

/** Ascending by purchases, last purchase and age, each history once. Without a repeat purchase there is no last one. */
const merged = (histories: readonly CountedHistory[]): readonly CountedHistory[] => {
  const sorted = histories
    .map((one) => (one.repeatPurchases === 0 ? { ...one, lastPurchaseWeeks: 0 } : one))
    .sort(
      (one, other) =>
        one.repeatPurchases - other.repeatPurchases ||
        one.lastPurchaseWeeks - other.lastPurchaseWeeks ||
        one.ageWeeks - other.ageWeeks,
    );
  const groups: CountedHistory[] = [];
  for (const one of sorted) {
    const previous = groups.at(-1);
    if (
      previous?.repeatPurchases === one.repeatPurchases &&
      previous.lastPurchaseWeeks === one.lastPurchaseWeeks &&
      previous.ageWeeks === one.ageWeeks
    ) {
      groups[groups.length - 1] = { ...one, customers: previous.customers + one.customers };
    } else groups.push(one);
  }
  return groups;
};

const checkHistory = (history: PurchaseHistory, customers: number): void => {
  const { repeatPurchases: x, lastPurchaseWeeks, ageWeeks } = history;
  const isPossible =
    Number.isSafeInteger(x) &&
    x >= 0 &&
    lastPurchaseWeeks >= 0 &&
    ageWeeks >= lastPurchaseWeeks &&
    Number.isFinite(ageWeeks) &&
    Number.isSafeInteger(customers) &&
    customers > 0;
  if (!isPossible)
    throw impossible(
      `${customers} customers with ${x} repeat purchases, the last after ${lastPurchaseWeeks} of ${ageWeeks} weeks`,
      'whole numbers of purchases (0 or more) and customers (1 or more), and 0 ≤ last purchase ≤ age',
    );
};

const checkParameters = ({ r, alpha, a, b }: BgNbdParameters): void => {
  if (![r, alpha, a, b].every((value) => value > 0 && Number.isFinite(value)))
    throw impossible(`r ${r}, alpha ${alpha}, a ${a}, b ${b}`, 'four positive numbers');
};

const impossible = (given: string, allowed: string): PermanentError =>
  new PermanentError('bg-nbd-input', `BG/NBD cannot use ${given}; allowed are ${allowed}`, {
    hint: 'check the purchases that the run read: days after asOf do not count',
  });

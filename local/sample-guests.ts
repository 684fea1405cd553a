import { addMonths, lastDayOf, monthsBetween, type Period } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';
import { csv, normal, pick, randomFor, weighted } from './sample-draws.ts';

export interface GuestSampleOptions {
  /** The same seed gives the same guests and stays, byte for byte. */
  readonly seed: number;
  readonly count: number;
  /** Months, ascending, without a gap. More months at the end leave the earlier ones as they are. */
  readonly months: readonly Period[];
}

/** Two CSV files in UTF-8, each with a header line. */
export interface GuestFiles {
  /** One row per guest: {@link GUEST_COLUMNS}. */
  readonly customersCsv: string;
  /** Stays, in yuan: {@link STAY_COLUMNS}. */
  readonly purchasesCsv: string;
}

export interface GuestSample extends GuestFiles {
  /** What one month adds: its stays; the first month also brings the guests and the stays of the year before it. */
  monthRows(period: Period): GuestFiles;
}

export const GUEST_COLUMNS = [
  'id',
  'date',
  'name',
  'email',
  'language',
  'region',
  'branch',
  'manager',
  'status',
  'consent',
] as const;

export const STAY_COLUMNS = ['customer', 'date', 'amount', 'purpose', 'place'] as const;

/** Months of stays before the first month, so that the window of a year is full from the first run on. */
const HISTORY_MONTHS = 12;

/**
 * Makes up guests of an invented hotel group and their stays. Everything is synthetic: names come from word lists, addresses
 * are all at example.com, prices and habits follow no real hotel. Each guest has a habit (business, conference, a family, a
 * couple, alone, or several), a kind of hotel it mostly stays at, and a rate of stays; some come less and less, some more.
 *
 * @throws PermanentError `sample-options-invalid` for months with gaps or a count below 1
 */
export const sampleGuests = ({ seed, count, months }: GuestSampleOptions): GuestSample => {
  const first = months[0];
  if (first === undefined || months.some((month, index) => month !== addMonths(first, index))) {
    throw new PermanentError(
      'sample-options-invalid',
      `months must follow each other without a gap, got ${months.join(', ')}`,
    );
  }
  if (!Number.isInteger(count) || count < 1) {
    throw new PermanentError('sample-options-invalid', `count must be a whole number of at least 1, got ${count}`);
  }
  const guests = Array.from({ length: count }, (_, index) => newGuest(seed, index));
  const history = Array.from({ length: HISTORY_MONTHS }, (_, index) => addMonths(first, index - HISTORY_MONTHS));
  const stays = (period: Period): readonly string[] =>
    guests
      .flatMap((guest) => staysOf(guest, seed, monthsBetween(first, period), period))
      .sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
      .map(({ customer, date, amount, purpose, place }) => [customer, date, amount, purpose, place].join(','));
  const rowsOf = (periods: readonly Period[]): GuestFiles => ({
    customersCsv: csv(
      GUEST_COLUMNS,
      periods.includes(first) ? guests.map((guest) => guestLine(guest, lastDayOf(first))) : [],
    ),
    purchasesCsv: csv(STAY_COLUMNS, [
      ...(periods.includes(first) ? history.flatMap(stays) : []),
      ...periods.flatMap(stays),
    ]),
  });
  return {
    ...rowsOf(months),
    monthRows: (period) => {
      if (!months.includes(period)) {
        throw new PermanentError(
          'sample-month-unknown',
          `the sample has the months ${first} to ${months.at(-1)}, not ${period}`,
        );
      }
      return rowsOf([period]);
    },
  };
};

const PURPOSES = ['business', 'conference', 'family', 'couple', 'single'] as const;
type Purpose = (typeof PURPOSES)[number];

/** Share of guests by what mostly brings them; `leisure` and `several` have no one purpose. */
const HABITS = [
  ['business', 38],
  ['conference', 9],
  ['family', 15],
  ['couple', 12],
  ['single', 6],
  ['leisure', 7],
  ['several', 13],
] as const;
type Habit = (typeof HABITS)[number][0];

const PURPOSES_OF: Readonly<Record<Habit, readonly (readonly [Purpose, number])[]>> = {
  business: [
    ['business', 88],
    ['conference', 6],
    ['single', 6],
  ],
  conference: [
    ['conference', 84],
    ['business', 16],
  ],
  family: [
    ['family', 88],
    ['couple', 12],
  ],
  couple: [
    ['couple', 88],
    ['family', 12],
  ],
  single: [
    ['single', 90],
    ['business', 10],
  ],
  leisure: [
    ['family', 40],
    ['couple', 35],
    ['single', 25],
  ],
  several: [
    ['business', 45],
    ['family', 30],
    ['couple', 25],
  ],
};

/** Stays per month, mean of the habit; hotels sell the nights, so conferences bring more for each stay. */
const RATE_OF: Readonly<Record<Habit, number>> = {
  business: 0.9,
  conference: 0.35,
  family: 0.28,
  couple: 0.3,
  single: 0.3,
  leisure: 0.4,
  several: 0.6,
};
const PRICE_OF: Readonly<Record<Purpose, number>> = {
  business: 900,
  conference: 2600,
  family: 2400,
  couple: 1700,
  single: 800,
};

const PLACES = ['city', 'resort', 'airport'] as const;
const PLACES_OF: Readonly<Record<Purpose, readonly (readonly [(typeof PLACES)[number], number])[]>> = {
  business: [
    ['city', 76],
    ['airport', 21],
    ['resort', 3],
  ],
  conference: [
    ['city', 62],
    ['resort', 30],
    ['airport', 8],
  ],
  family: [
    ['resort', 74],
    ['city', 26],
  ],
  couple: [
    ['resort', 62],
    ['city', 38],
  ],
  single: [
    ['city', 70],
    ['resort', 22],
    ['airport', 8],
  ],
};

/** The houses, which take the place of branches; the guests belong to the one that they know best. */
const HOUSES = [
  ['Shanghai Bund', 26],
  ['Beijing East', 22],
  ['Hangzhou Lake', 14],
  ['Sanya Bay', 16],
  ['Chengdu Park', 12],
  ['Pudong Airport', 10],
] as const;
const MANAGERS: Readonly<Record<string, readonly string[]>> = {
  'Shanghai Bund': ['Lin Yu', 'Zhou Hao', 'Gao Mei'],
  'Beijing East': ['Ma Rui', 'Sun Ping', 'Zhu Fang'],
  'Hangzhou Lake': ['Xu Jing', 'Hu Bo'],
  'Sanya Bay': ['Luo Yan', 'Wu Min'],
  'Chengdu Park': ['Guo Xin', 'He Tao'],
  'Pudong Airport': ['Yang Lei', 'Liu Hua'],
};
const ZH_SURNAMES = ['王', '李', '张', '刘', '陈', '杨', '赵', '黄', '周', '吴'] as const;
const ZH_GIVEN = ['静', '敏', '磊', '艳', '涛', '华', '强', '平', '芳', '波', '欣', '宇'] as const;
const EN_GIVEN = ['Alex', 'Sam', 'Robin', 'Jean', 'Kim', 'Noor', 'Chris', 'Dana', 'Lee', 'Toni'] as const;
const EN_SURNAMES = ['Example', 'Sample', 'Specimen', 'Demo', 'Placeholder'] as const;

interface Guest {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly language: 'zh-CN' | 'en';
  readonly region: string;
  readonly consent: string;
  readonly house: string;
  readonly manager: string;
  readonly habit: Habit;
  /** Mean stays a month. */
  readonly rate: number;
  /** What the guest pays against the usual price. */
  readonly taste: number;
  /** Factor on the rate by month; 1 is steady. */
  readonly course: number;
}

const newGuest = (seed: number, index: number): Guest => {
  const random = randomFor(seed, 'guest', index);
  const id = `g${String(index + 1).padStart(5, '0')}`;
  const isChinese = random() < 0.75;
  const habit = weighted(HABITS, random());
  const house = weighted(HOUSES, random());
  const consentDraw = random();
  const zhName = `${pick(ZH_SURNAMES, random())}${pick(ZH_GIVEN, random())}`;
  const enName = `${pick(EN_GIVEN, random())} ${pick(EN_SURNAMES, random())}`;
  const courseDraw = random();
  return {
    index,
    id,
    name: isChinese ? zhName : enName,
    email: random() > 0.996 ? `bounce+${id}@example.com` : `guest.${id}@example.com`,
    language: isChinese ? 'zh-CN' : 'en',
    region: isChinese ? 'CN' : pick(['SG', 'HK', 'DE', 'US'] as const, random()),
    consent: consentDraw < 0.8 ? 'yes' : consentDraw < 0.985 ? '' : 'no',
    house,
    manager: pick(MANAGERS[house] ?? ['Lin Yu'], random()),
    habit,
    rate: Math.min(6, 0.7 * RATE_OF[habit] * Math.exp(0.95 * normal(random))),
    taste: Math.exp(0.5 * normal(random)),
    course: courseDraw < 0.8 ? 1 : courseDraw < 0.9 ? 0.9 : 1.05,
  };
};

const guestLine = (guest: Guest, date: string): string =>
  [
    guest.id,
    date,
    guest.name,
    guest.email,
    guest.language,
    guest.region,
    guest.house,
    guest.manager,
    'active',
    guest.consent,
  ].join(',');

interface Stay {
  readonly customer: string;
  readonly date: string;
  /** Yuan with two decimals. */
  readonly amount: string;
  readonly purpose: Purpose;
  readonly place: string;
}

/** Who knows the airport house best is a transit guest on business, and stays there. */
const placesOf = (guest: Guest, purpose: Purpose): (typeof PLACES_OF)[Purpose] =>
  guest.house === 'Pudong Airport' && purpose === 'business'
    ? [
        ['airport', 82],
        ['city', 18],
      ]
    : PLACES_OF[purpose];

/** A guest's stays of one month: at most six, each on a day of its own draw. */
const staysOf = (guest: Guest, seed: number, month: number, period: Period): readonly Stay[] => {
  const random = randomFor(seed, `stays of ${period}`, guest.index);
  const rate = guest.rate * guest.course ** Math.max(0, month);
  const lastDay = Number(lastDayOf(period).slice(8));
  const stays: Stay[] = [];
  for (let chance = rate; chance > 0; chance -= 1) {
    if (random() >= chance) continue;
    const purpose = weighted(PURPOSES_OF[guest.habit], random());
    const amount = PRICE_OF[purpose] * guest.taste * Math.exp(0.3 * normal(random));
    stays.push({
      customer: guest.id,
      date: `${period}-${String(1 + Math.floor(random() * lastDay)).padStart(2, '0')}`,
      amount: Math.max(200, amount).toFixed(2),
      purpose,
      place: weighted(placesOf(guest, purpose), random()),
    });
  }
  return stays;
};

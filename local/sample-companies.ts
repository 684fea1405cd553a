import { addMonths, lastDayOf, monthsBetween, type Period } from '#shared/domain/calendar.ts';
import { PermanentError } from '#shared/errors.ts';
import type { Random } from './random.ts';
import { csv, normal, pick, randomFor, weighted } from './sample-draws.ts';

export interface SampleOptions {
  /** The same seed gives the same companies, byte for byte. */
  readonly seed: number;
  /** Companies; 2,000 by default. About one in fifty joins in the second to fourth month. */
  readonly count?: number;
  /** Months of snapshots, ascending, without a gap. More months at the end leave the earlier ones as they are. */
  readonly months: readonly Period[];
}

/** Two CSV files in UTF-8, each with a header line. */
export interface SampleFiles {
  /** One row per company and month-end: {@link CUSTOMER_COLUMNS}. */
  readonly customersCsv: string;
  /** Services bought, in yuan: {@link PURCHASE_COLUMNS}. */
  readonly purchasesCsv: string;
}

export interface SampleCompanies extends SampleFiles {
  /** What one month adds: its snapshot, and its purchases; the first month also brings the eleven months before it. */
  monthRows(period: Period): SampleFiles;
}

export const CUSTOMER_COLUMNS = [
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
  'industry',
  'has_credit',
  'turnover_growth_12m',
  'days_past_due',
  'share_of_wallet',
  'net_income_12m',
] as const;

export const PURCHASE_COLUMNS = ['customer', 'date', 'amount', 'product'] as const;

/** Months of purchases before the first snapshot. */
const HISTORY_MONTHS = 11;

/**
 * Makes up companies that bank with an invented bank. Everything is synthetic: names come from word lists, addresses are
 * all at example.com, figures follow no real bank. What it shows is chosen so that every part of the product has
 * something to do: twelve branches of unequal size, two with fewer than 50 companies; companies without credit, so without
 * days past due, some of them without statements either, and new ones without figures; steel and property in a shock from the fourth month; most companies steady, some
 * rising, some declining for good; recorded consent missing for some of the mainland; addresses that several share.
 *
 * @throws PermanentError `sample-options-invalid` for months with gaps or a count below 1
 */
export const sampleCompanies = ({ seed, count = 2_000, months }: SampleOptions): SampleCompanies => {
  const first = months[0];
  const last = months.at(-1);
  if (first === undefined || last === undefined || months.some((month, index) => month !== addMonths(first, index))) {
    throw new PermanentError(
      'sample-options-invalid',
      `months must follow each other without a gap, got ${months.join(', ')}`,
    );
  }
  if (!Number.isInteger(count) || count < 1) {
    throw new PermanentError('sample-options-invalid', `count must be a whole number of at least 1, got ${count}`);
  }
  const staff = newStaff(seed, count);
  const companies = Array.from({ length: count }, (_, index) => newCompany(seed, index, staff));
  const snapshots = companies.map((company) => walk(company, seed, months.length));

  const customerLines = (period: Period): readonly string[] => {
    const month = monthsBetween(first, period);
    return companies.flatMap((company, index) => {
      const state = snapshots[index]?.[month];
      return state === undefined ? [] : [customerLine(company, state, lastDayOf(period))];
    });
  };
  const purchaseLines = (period: Period): readonly string[] => {
    const month = monthsBetween(first, period);
    return companies
      .flatMap((company, index) => purchasesOf(company, snapshots[index] ?? [], month, seed, period))
      .sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0))
      .map(({ customer, date, amount, product }) => `${customer},${date},${amount},${product}`);
  };
  const history = (): readonly string[] =>
    Array.from({ length: HISTORY_MONTHS }, (_, index) => addMonths(first, index - HISTORY_MONTHS)).flatMap(
      purchaseLines,
    );

  return {
    customersCsv: csv(CUSTOMER_COLUMNS, months.flatMap(customerLines)),
    purchasesCsv: csv(PURCHASE_COLUMNS, [...history(), ...months.flatMap(purchaseLines)]),
    monthRows: (period) => {
      if (!months.includes(period)) {
        throw new PermanentError(
          'sample-month-unknown',
          `the sample has the months ${first} to ${last}, not ${period}`,
        );
      }
      return {
        customersCsv: csv(CUSTOMER_COLUMNS, customerLines(period)),
        purchasesCsv: csv(PURCHASE_COLUMNS, [...(period === first ? history() : []), ...purchaseLines(period)]),
      };
    },
  };
};

/** Branches and how many of 2,000 companies each has. The last two stay below the usual minimum of 50. */
const BRANCHES = [
  ['Pudong', 370],
  ['Xuhui', 310],
  ['Hongqiao', 260],
  ['Suzhou', 220],
  ['Hangzhou', 190],
  ['Nanjing', 160],
  ['Wuxi', 140],
  ['Ningbo', 120],
  ['Changzhou', 90],
  ['Nantong', 70],
  ['Huzhou', 42],
  ['Zhoushan', 28],
] as const;

const COMPANIES_PER_MANAGER = 40;

const INDUSTRIES = [
  ['machinery', 16],
  ['electronics', 15],
  ['trade', 14],
  ['logistics', 11],
  ['food', 10],
  ['chemicals', 9],
  ['textiles', 8],
  ['healthcare', 7],
  ['software', 6],
  ['steel', 2.2],
  ['property', 1.8],
] as const;

/** Industries of the shock, and how many months after the first one it begins. */
const SHOCKED: readonly string[] = ['steel', 'property'];
const SHOCK_MONTH = 4;

const SURNAMES = [
  ...[
    'Li',
    'Wang',
    'Zhang',
    'Liu',
    'Chen',
    'Yang',
    'Zhao',
    'Huang',
    'Zhou',
    'Wu',
    'Xu',
    'Sun',
    'Hu',
    'Zhu',
    'Gao',
    'Lin',
    'He',
    'Guo',
    'Ma',
    'Luo',
  ],
];
const GIVEN_NAMES = [
  'Jing',
  'Min',
  'Lei',
  'Yan',
  'Tao',
  'Hua',
  'Qiang',
  'Ping',
  'Fang',
  'Bo',
  'Xin',
  'Yu',
  'Hao',
  'Ning',
  'Rui',
  'Mei',
];

const PLACES = [
  ['上海', 'Shanghai'],
  ['苏州', 'Suzhou'],
  ['杭州', 'Hangzhou'],
  ['南京', 'Nanjing'],
  ['无锡', 'Wuxi'],
  ['宁波', 'Ningbo'],
  ['常州', 'Changzhou'],
  ['江南', 'Jiangnan'],
  ['东海', 'Donghai'],
  ['长江', 'Changjiang'],
] as const;
const STEMS = [
  ['华', 'Hua'],
  ['瑞', 'Rui'],
  ['恒', 'Heng'],
  ['盛', 'Sheng'],
  ['达', 'Da'],
  ['新', 'Xin'],
  ['明', 'Ming'],
  ['泰', 'Tai'],
  ['安', 'An'],
  ['源', 'Yuan'],
  ['和', 'He'],
  ['永', 'Yong'],
  ['嘉', 'Jia'],
  ['博', 'Bo'],
  ['诚', 'Cheng'],
  ['远', 'Yuan'],
] as const;
const TRADES: Readonly<Record<string, readonly [string, string]>> = {
  machinery: ['机械', 'Machinery'],
  electronics: ['电子', 'Electronics'],
  trade: ['贸易', 'Trading'],
  logistics: ['物流', 'Logistics'],
  food: ['食品', 'Foods'],
  chemicals: ['化工', 'Chemicals'],
  textiles: ['纺织', 'Textiles'],
  healthcare: ['医疗', 'Healthcare'],
  software: ['软件', 'Software'],
  steel: ['钢铁', 'Steel'],
  property: ['置业', 'Property'],
};

const PRODUCTS = [
  ['settlement', 34],
  ['payroll', 22],
  ['trade_finance', 14],
  ['loan_fee', 12],
  ['guarantee', 8],
  ['wealth', 6],
  ['custody', 4],
] as const;

interface Company {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly language: 'zh-CN' | 'en';
  readonly region: string;
  /** `yes`, `no`, or empty where nothing is recorded. */
  readonly consent: string;
  readonly branch: string;
  readonly manager: string;
  readonly industry: string;
  readonly hasCredit: boolean;
  /** Whether it hands in statements, without which its turnover is not known. */
  readonly reports: boolean;
}

/** A company at a month-end; null is missing. */
interface Snapshot {
  readonly status: 'active' | 'closed';
  /** Share, such as 0.07. */
  readonly growth: number | null;
  readonly daysPastDue: number | null;
  /** 0 to 1. */
  readonly walletShare: number;
  /** Whole yuan. */
  readonly netIncome: number;
}

interface Staff {
  readonly seats: readonly { readonly branch: string; readonly managers: readonly string[] }[];
}

/** Which branch each company belongs to, and the names of its managers; names are unique in the bank. */
const newStaff = (seed: number, count: number): Staff => {
  const total = BRANCHES.reduce((sum, [, size]) => sum + size, 0);
  const names = shuffled(
    SURNAMES.flatMap((surname) => GIVEN_NAMES.map((given) => `${surname} ${given}`)),
    randomFor(seed, 'staff', 0),
  );
  let next = 0;
  let before = 0;
  const seats: { branch: string; managers: readonly string[] }[] = [];
  for (const [branch, size] of BRANCHES) {
    before += size;
    const end = Math.round((before * count) / total);
    const places = end - seats.length;
    const managers = Array.from({ length: Math.max(1, Math.round(places / COMPANIES_PER_MANAGER)) }, () => {
      next += 1;
      return names[(next - 1) % names.length] ?? 'Li Jing';
    });
    for (let seat = 0; seat < places; seat += 1) seats.push({ branch, managers });
  }
  return { seats };
};

const newCompany = (seed: number, index: number, staff: Staff): Company => {
  const random = randomFor(seed, 'company', index);
  const id = companyId(index);
  const seat = staff.seats[index];
  const industry = weighted(INDUSTRIES, random());
  const language = random() < 0.8 ? 'zh-CN' : 'en';
  const region = weighted(
    language === 'zh-CN'
      ? ([
          ['CN', 94],
          ['HK', 6],
        ] as const)
      : ([
          ['CN', 45],
          ['HK', 25],
          ['SG', 18],
          ['DE', 12],
        ] as const),
    random(),
  );
  const consentDraw = random();
  const [placeZh, placeEn] = pick(PLACES, random());
  const [oneZh, oneEn] = pick(STEMS, random());
  const [twoZh, twoEn] = pick(STEMS, random());
  const [tradeZh, tradeEn] = TRADES[industry] ?? ['实业', 'Industries'];
  const mailDraw = random();
  const hasCredit = random() < 0.88;
  const manager = pick(seat?.managers ?? ['Li Jing'], random());
  return {
    index,
    id,
    name:
      language === 'zh-CN'
        ? `${placeZh}${oneZh}${twoZh}${tradeZh}有限公司`
        : `${placeEn} ${oneEn}${twoEn.toLowerCase()} ${tradeEn} Co. Ltd`,
    email: addressOf(index, mailDraw),
    language,
    region,
    consent: consentDraw < (region === 'CN' ? 0.82 : 0.5) ? 'yes' : consentDraw < 0.985 ? '' : 'no',
    branch: seat?.branch ?? 'Pudong',
    manager,
    industry,
    hasCredit,
    reports: hasCredit || random() < 0.9,
  };
};

const companyId = (index: number): string => `c${String(index + 1).padStart(5, '0')}`;

/** One in a hundred shares the address of the company before; one in 250 has an address that bounces. */
const addressOf = (index: number, draw: number): string => {
  if (draw < 0.01 && index > 0) return `finance.${companyId(index - 1)}@example.com`;
  return draw > 0.996 ? `bounce+${companyId(index)}@example.com` : `finance.${companyId(index)}@example.com`;
};

/** What becomes of a company over the months. */
const COURSES = [
  ['steady', 86],
  ['rising', 8],
  ['declining', 3],
  ['uneven', 3],
] as const;

/**
 * A company's months, from the first it was a customer; undefined before. Each month takes the same number of draws, so
 * that further months change nothing before them.
 */
const walk = (company: Company, seed: number, months: number): readonly (Snapshot | undefined)[] => {
  const random = randomFor(seed, 'course', company.index);
  const course = weighted(COURSES, random());
  const turn = Math.floor(random() * 8);
  const joins = random() < 0.02 ? 1 + Math.floor(random() * 3) : 0;
  const closes = random() < 0.012 ? 2 + Math.floor(random() * 10) : Number.POSITIVE_INFINITY;
  const shocked = SHOCKED.includes(company.industry);
  let growth = (shocked ? 0.03 : 0.05) + 0.1 * normal(random);
  let walletShare = 0.08 + 0.84 * random() ** 1.3;
  let income = Math.exp((shocked ? 13.9 : 12.2) + 1.5 * normal(random));
  const startsLate = random();
  let daysPastDue =
    startsLate < 0.94 ? 0 : startsLate < 0.99 ? 3 + Math.floor(random() * 70) : 95 + Math.floor(random() * 120);

  return Array.from({ length: months }, (_, month) => {
    const noise = [normal(random), normal(random), normal(random)] as const;
    const changes = random();
    const late = random();
    const turned = month > turn;
    if (month > 0) {
      // Figures come from quarterly statements: in most months most of them stay as they are.
      if (changes < 0.3) growth += 0.006 * noise[0];
      if (changes < 0.25) walletShare = clamp(walletShare + 0.006 * noise[1], 0.02, 0.98);
      if (changes < 0.2) income *= Math.exp(0.012 * noise[2]);
      if (course === 'rising' && turned) {
        income *= 1.025 + 0.015 * changes;
        growth += 0.006;
      }
      if (course === 'declining' && turned) {
        income *= 0.95 - 0.02 * changes;
        growth -= 0.022;
        if (growth < -0.05) daysPastDue += daysPastDue === 0 ? 8 : 30;
      }
      if (course === 'uneven') growth += 0.04 * noise[0];
      if (shocked && month >= SHOCK_MONTH) {
        growth -= 0.03 + 0.01 * changes;
        income *= 0.985;
      }
      if (course !== 'declining') {
        if (daysPastDue === 0 && late < 0.004) daysPastDue = 5 + Math.floor(changes * 20);
        else if (daysPastDue > 0)
          daysPastDue = late < 0.12 ? 0 : daysPastDue < 90 && late < 0.2 ? daysPastDue + 30 : daysPastDue;
      }
      growth = clamp(growth, -0.6, 0.9);
    }
    if (month < joins) return undefined;
    const isNew = joins > 0 && month - joins < 2;
    return {
      status: month >= closes ? 'closed' : 'active',
      growth: isNew || !company.reports ? null : growth,
      daysPastDue: company.hasCredit && !isNew ? Math.min(daysPastDue, 720) : null,
      walletShare,
      netIncome: Math.round(income / 100) * 100,
    };
  });
};

const customerLine = (company: Company, state: Snapshot, date: string): string =>
  [
    company.id,
    date,
    company.name,
    company.email,
    company.language,
    company.region,
    company.branch,
    company.manager,
    state.status,
    company.consent,
    company.industry,
    String(company.hasCredit),
    state.growth === null ? '' : state.growth.toFixed(4),
    state.daysPastDue === null ? '' : String(state.daysPastDue),
    state.walletShare.toFixed(3),
    String(state.netIncome),
  ].join(',');

interface Purchase {
  readonly customer: string;
  readonly date: string;
  /** Yuan with two decimals. */
  readonly amount: string;
  readonly product: string;
}

/** A company's purchases of one month; before the first snapshot they follow the first figures. */
const purchasesOf = (
  company: Company,
  snapshots: readonly (Snapshot | undefined)[],
  month: number,
  seed: number,
  period: Period,
): readonly Purchase[] => {
  const state = month < 0 ? snapshots[0] : snapshots[month];
  if (state === undefined || state.status === 'closed') return [];
  const random = randomFor(seed, `purchases of ${period}`, company.index);
  const busy = 0.25 + 1.3 * state.walletShare;
  const lastDay = Number(lastDayOf(period).slice(8));
  const purchases: Purchase[] = [];
  for (let chance = busy; chance > 0; chance -= 1) {
    if (random() >= chance) continue;
    const day = 1 + Math.floor(random() * lastDay);
    const amount = Math.max(20, (state.netIncome / 12 / Math.max(busy, 0.5)) * Math.exp(0.5 * normal(random)));
    purchases.push({
      customer: company.id,
      date: `${period}-${String(day).padStart(2, '0')}`,
      amount: amount.toFixed(2),
      product: weighted(PRODUCTS, random()),
    });
  }
  return purchases;
};

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

const shuffled = <Item>(items: readonly Item[], random: Random): readonly Item[] => {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    const [a, b] = [mixed[last], mixed[other]];
    if (a === undefined || b === undefined) continue;
    mixed[last] = b;
    mixed[other] = a;
  }
  return mixed;
};

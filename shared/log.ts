import { AsyncLocalStorage } from 'node:async_hooks';
import { isResegmentError } from './errors.ts';

export type LogValue = string | number | boolean | null | undefined | readonly string[];
export type LogFields = Readonly<Record<string, LogValue>>;

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40, silent: 50 } as const;
type Level = keyof typeof LEVELS;

/** Fields that could tell who somebody is, or give access. Their values never reach a log line. */
const FORBIDDEN_FIELD =
  /^(e?mail|address|to|from|name|displayName|phone|comment|text|token|link|url|path|customerId|customer|segment|password|secret|authorization)$/i;
const ADDRESS = /[^\s@<>"']+@[^\s@<>"']+/g;
const LINK = /https?:\/\/\S+/g;
const LONGEST_TEXT = 500;

const context = new AsyncLocalStorage<LogFields>();

/** Adds the fields to every line that `work` logs, in whatever it awaits too. Contexts nest. */
export const withLogContext = <T>(fields: LogFields, work: () => T): T =>
  context.run({ ...context.getStore(), ...fields }, work);

/** Takes mail addresses and links out of a text and shortens it. */
export const redactText = (text: string): string => {
  const clean = text.replace(LINK, '[link]').replace(ADDRESS, '[address]');
  return clean.length <= LONGEST_TEXT ? clean : `${clean.slice(0, LONGEST_TEXT)}…`;
};

const redact = (field: string, value: LogValue): LogValue => {
  if (FORBIDDEN_FIELD.test(field)) return '[redacted]';
  if (typeof value === 'string') return redactText(value);
  return Array.isArray(value) ? value.map((entry) => redactText(String(entry))) : value;
};

/** One line as it is written: level, message, context, fields. */
export const formatLogLine = (level: string, message: string, fields: LogFields): string => {
  const all = { ...context.getStore(), ...fields };
  const clean = Object.fromEntries(Object.entries(all).map(([field, value]) => [field, redact(field, value)]));
  return JSON.stringify({ level, message: redactText(message), ...clean });
};

const isLevel = (text: string | undefined): text is Level => text !== undefined && Object.hasOwn(LEVELS, text);

const write = (level: Exclude<Level, 'silent'>, message: string, fields: LogFields): void => {
  const wanted = process.env['LOG_LEVEL']?.toLowerCase();
  if (LEVELS[level] < LEVELS[isLevel(wanted) ? wanted : 'warn']) return;
  process.stderr.write(`${formatLogLine(level, message, fields)}\n`);
};

/**
 * Structured log: one JSON document per line on stderr, ids and counts only. `LOG_LEVEL` is the lowest level written:
 * debug, info, warn (default), error or silent.
 */
export const log = {
  debug: (message: string, fields: LogFields = {}): void => write('debug', message, fields),
  info: (message: string, fields: LogFields = {}): void => write('info', message, fields),
  warn: (message: string, fields: LogFields = {}): void => write('warn', message, fields),
  error: (message: string, fields: LogFields = {}): void => write('error', message, fields),
};

/** What a log line may say of an error. */
export const errorFields = (error: unknown): LogFields => {
  if (isResegmentError(error)) {
    const details = Object.fromEntries(Object.entries(error.details).map(([key, value]) => [`detail.${key}`, value]));
    return { errorName: error.name, errorCode: error.code, errorMessage: error.message, ...details };
  }
  if (error instanceof Error) return { errorName: error.name, errorMessage: error.message };
  return { errorName: 'unknown', errorMessage: String(error) };
};

import { CoordinatorError } from '../coordinator-error.ts';
import type { AnsweredCall, CallScope } from '../ports/answered-call.ts';
import { EventSinkError } from '../ports/event-sink.ts';
import { StateStoreError } from '../ports/state-store.ts';
import { isExpected, logLine } from './log-line.ts';

/** Importance of a line, most important first. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `json`: one object a line, for machines. `text`: for people. */
export const LOG_FORMATS = ['json', 'text'] as const;

/** How the log is written. */
export interface LogOptions {
  readonly format: (typeof LOG_FORMATS)[number];
  /** What is less important is left out. */
  readonly level: LogLevel;
  readonly write: (line: string) => void;
  /** Takes out what must not be seen. */
  readonly redact: (text: string) => string;
  readonly now: () => Date;
}

/** The log of a process that serves. Never holds an address with a query, a header, a token or an owner. */
export interface Log {
  /** A failure that is not the caller's. */
  failed(error: unknown, call?: CallScope): void;
  /** A call that was answered. */
  answered(call: AnsweredCall): void;
}

/** A log that writes whole lines. */
export function createLog(options: LogOptions): Log {
  const { format, level, write, redact, now } = options;
  const isWanted = (one: LogLevel): boolean => LOG_LEVELS.indexOf(one) <= LOG_LEVELS.indexOf(level);
  const asJson = (one: LogLevel, fields: object): string =>
    JSON.stringify({ time: now().toISOString(), level: one, ...fields });
  return {
    failed(error, call) {
      const one = levelOf(error);
      if (!isWanted(one)) return;
      write(
        format === 'text'
          ? redact(logLine(error, now()))
          : asJson(one, { message: 'failed', ...scopeOf(error, call), error: fieldsOf(error, redact) }),
      );
    },
    answered(call) {
      const one = isProbe(call) ? 'debug' : 'info';
      if (!isWanted(one)) return;
      const { durationMs, ...rest } = call;
      const rounded = { ...rest, durationMs: Math.round(durationMs * 10) / 10 };
      write(format === 'text' ? describe(rounded, now()) : asJson(one, { message: 'call', ...rounded }));
    },
  };
}

/** What passes by itself, or is made good by another way, wakes nobody. */
function levelOf(error: unknown): LogLevel {
  return error instanceof StateStoreError || error instanceof EventSinkError ? 'warn' : 'error';
}

/** Load balancers and browsers ask for these all the time. */
function isProbe({ route, method }: AnsweredCall): boolean {
  return route === '/healthz' || route === '/readyz' || method === 'OPTIONS';
}

function scopeOf(error: unknown, call: CallScope | undefined): object {
  const uploadId = (error instanceof CoordinatorError && error.details.uploadId) || call?.uploadId;
  return { ...(call && { requestId: call.requestId }), ...(uploadId && { uploadId }) };
}

interface LoggedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** How many causes are told: an error may be its own. */
const MOST_CAUSES = 8;

function fieldsOf(error: unknown, redact: LogOptions['redact'], depth = 0): LoggedError {
  if (!(error instanceof Error)) return { name: 'Error', message: redact(String(error)) };
  const { code } = error as { readonly code?: unknown };
  const hasCause = error.cause !== undefined && depth < MOST_CAUSES;
  return {
    name: error.name,
    message: redact(error.message),
    ...(typeof code === 'string' && { code: redact(code) }),
    // Only what nobody expected brings its stack along.
    ...(depth === 0 && !isExpected(error) && error.stack !== undefined && { stack: redact(error.stack) }),
    ...(hasCause && { cause: fieldsOf(error.cause, redact, depth + 1) }),
  };
}

function describe({ method, route, status, durationMs, ...call }: AnsweredCall, at: Date): string {
  const about = [
    call.problem,
    call.reason,
    call.uploadId && `upload ${call.uploadId}`,
    call.requestId,
  ].filter(Boolean);
  return `${at.toISOString()} ${method} ${route} ${status} ${durationMs} ms (${about.join(', ')})`;
}

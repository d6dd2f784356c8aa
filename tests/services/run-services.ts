import { openRun, type Run } from './place.ts';
import type { Log } from './progress.ts';
import { messageOf, provisionAll, type Origin, type Provision } from './provision.ts';
import type { Service } from './service.ts';

// A free port can be taken between the look and the start: one more try.
const LAUNCH_ATTEMPTS = 2;

/** How one service was had. */
export type ServiceReport = { readonly name: string } & (
  | { readonly state: 'given'; readonly address: string }
  | {
      readonly state: 'started';
      readonly origin: Origin;
      readonly version: string;
      readonly startMs: number;
    }
  | { readonly state: 'unavailable'; readonly reason: string }
);

/** The services while they run. */
export interface RunningServices {
  readonly reports: readonly ServiceReport[];
  /** Variables of the services that we started. */
  readonly env: Readonly<Record<string, string>>;
  /** Aborted on SIGINT, SIGTERM and SIGHUP: whoever uses the services must come to an end. */
  readonly signal: AbortSignal;
  readonly run: Run;
}

/**
 * Provisions and starts services, calls `use`, and stops them whatever happened: a failure, Ctrl-C, a crash.
 * A service that cannot be had does not fail the call; its report says why.
 */
export async function withServices<T>(
  services: readonly Service[],
  log: Log,
  use: (running: RunningServices) => Promise<T>,
): Promise<T> {
  const interruption = listenForSignals(log);
  const run = await openRun(interruption.signal);
  try {
    const { reports, env } = await startAll(services, run, log, interruption.signal);
    interruption.signal.throwIfAborted();
    return await use({ reports, env, signal: interruption.signal, run });
  } finally {
    await run.close();
    interruption.stopListening();
  }
}

/** A run that a signal ended; the exit status of a shell command is 128 + the signal's number. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, exitCode: number) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.exitCode = exitCode;
  }
}

const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

function listenForSignals(log: Log): { signal: AbortSignal; stopListening: () => void } {
  const controller = new AbortController();
  const names = Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[];
  const listeners = names.map((name) => {
    const listener = (): void => {
      if (!controller.signal.aborted) log('services', `${name}: stopping`);
      controller.abort(new Interrupted(name, EXIT_CODES[name]));
    };
    process.on(name, listener);
    return () => process.off(name, listener);
  });
  return { signal: controller.signal, stopListening: () => listeners.forEach((stop) => stop()) };
}

async function startAll(
  services: readonly Service[],
  run: Run,
  log: Log,
  signal: AbortSignal,
): Promise<{ reports: ServiceReport[]; env: Record<string, string> }> {
  const env: Record<string, string> = {};
  const ours = services.filter((service) => !isGiven(service));
  const provisions = await provisionAll(ours, log, signal);
  const reports = await Promise.all(
    services.map(async (service): Promise<ServiceReport> => {
      const provision = provisions[ours.indexOf(service)];
      const report = await (provision === undefined
        ? checkGiven(service)
        : startOne(service, provision, { run, env }));
      if (!signal.aborted) log(service.name, describeReport(report));
      return report;
    }),
  );
  return { reports, env };
}

function isGiven(service: Service): boolean {
  return (process.env[service.variables[0]] ?? '') !== '';
}

async function checkGiven(service: Service): Promise<ServiceReport> {
  const { name, variables } = service;
  const absent = variables.filter((variable) => (process.env[variable] ?? '') === '');
  if (absent.length > 0) {
    return { name, state: 'unavailable', reason: `${variables[0]} is set, ${absent.join(' and ')} not` };
  }
  try {
    await service.probe(process.env);
    return { name, state: 'given', address: process.env[variables[0]] ?? '' };
  } catch (error) {
    return { name, state: 'unavailable', reason: `given by ${variables[0]}, but: ${messageOf(error)}` };
  }
}

async function startOne(
  { name }: Service,
  awaited: Promise<Provision>,
  into: { run: Run; env: Record<string, string> },
): Promise<ServiceReport> {
  const provision = await awaited;
  if (provision.kind === 'none') return { name, state: 'unavailable', reason: provision.reason };
  const { origin, version, launch } = provision;
  const startedAt = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    const place = into.run.openPlace();
    try {
      Object.assign(into.env, await launch(place));
      return { name, state: 'started', origin, version, startMs: performance.now() - startedAt };
    } catch (error) {
      await place.stop();
      if (attempt < LAUNCH_ATTEMPTS && !place.signal.aborted) continue;
      return { name, state: 'unavailable', reason: `does not start: ${messageOf(error)}` };
    }
  }
}

/** One line about how a service was had. */
function describeReport(report: ServiceReport): string {
  switch (report.state) {
    case 'given':
      return `given at ${report.address}`;
    case 'started':
      return `${report.version}, ${report.origin}, up in ${(report.startMs / 1000).toFixed(1)} s`;
    case 'unavailable':
      return `NOT AVAILABLE: ${report.reason}`;
  }
}

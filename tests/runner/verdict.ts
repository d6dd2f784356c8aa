import type { ServiceReport } from '../services/run-services.ts';
import type { Counts } from './counts.ts';

/** Everything that decides whether a run was good. */
export interface Outcome {
  readonly counts: Counts;
  /** Vitest's own exit status; null when a signal ended it. */
  readonly vitestExitCode: number | null;
  readonly services: readonly ServiceReport[];
  /** Whether a missing service is a failure. */
  readonly isCi: boolean;
}

/** The exit status, and in words whatever made it other than 0. */
export interface Verdict {
  readonly exitCode: number;
  readonly complaints: readonly string[];
}

/** Judges a run. */
export function judge({ counts, vitestExitCode, services, isCi }: Outcome): Verdict {
  const missing = services.filter((service) => service.state === 'unavailable').map((each) => each.name);
  const complaints = [
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts.passed + counts.failed === 0 ? ['not one test was executed'] : []),
    ...(vitestExitCode !== 0 && counts.failed === 0
      ? [`vitest ended with ${vitestExitCode ?? 'a signal'} although no test failed: see its output above`]
      : []),
    ...(isCi && missing.length > 0 ? [`CI=true and not available: ${missing.join(', ')}`] : []),
  ];
  if (complaints.length === 0) return { exitCode: 0, complaints };
  return { exitCode: vitestExitCode === null || vitestExitCode === 0 ? 1 : vitestExitCode, complaints };
}

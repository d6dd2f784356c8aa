import type { ServiceReport } from '../services/run-services.ts';
import { formatCounts } from './counts.ts';
import type { Outcome, Verdict } from './verdict.ts';

/** The end of the output: every service, what went wrong, and as the very last line the counts. */
export function formatSummary(outcome: Outcome, verdict: Verdict, durationMs: number): string {
  const services = outcome.services.length === 0 ? [] : ['', 'Services', ...formatTable(outcome.services)];
  const complaints = verdict.complaints.map((complaint) => `  ${complaint}`);
  return [
    ...services,
    '',
    ...(complaints.length === 0 ? [] : ['Not good', ...complaints, '']),
    `Took ${formatDuration(durationMs)}`,
    `${formatCounts(outcome.counts)}\n`,
  ].join('\n');
}

/** The same for programs. */
export function summarizeAsJson(outcome: Outcome, verdict: Verdict, durationMs: number): string {
  const { counts, services } = outcome;
  return `${JSON.stringify({ ...counts, ...verdict, durationMs: Math.round(durationMs), services })}\n`;
}

function formatTable(reports: readonly ServiceReport[]): string[] {
  const rows = reports.map(cellsOf);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function cellsOf(report: ServiceReport): string[] {
  switch (report.state) {
    case 'given':
      return [report.name, 'given', '-', report.address];
    case 'started':
      return [report.name, report.origin, report.version, `up in ${(report.startMs / 1000).toFixed(1)} s`];
    case 'unavailable':
      // The reason may have lines of a program's output in it; a table has none.
      return [report.name, 'NOT AVAILABLE', '-', report.reason.replaceAll(/\s*\n\s*/g, ' | ')];
  }
}

function formatDuration(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

import { EXIT } from '../command.ts';
import { formatCount } from '../plain-text.ts';
import type { Finding, FindingLevel } from './finding.ts';

/** Exit status when something costs something, and nothing is broken. */
export const FOUND_WARNINGS = 3;

const MARKS: Readonly<Record<FindingLevel, string>> = {
  good: 'ok     ',
  note: 'note   ',
  warning: 'WARNING',
  error: 'ERROR  ',
};

/** The exit status that says how bad it is. */
export function exitOf(findings: readonly Finding[]): number {
  if (findings.some(({ level }) => level === 'error')) return EXIT.failed;
  return findings.some(({ level }) => level === 'warning') ? FOUND_WARNINGS : EXIT.done;
}

/** Findings for people: what is right in one line each, the rest with its reason and its cure. */
export function describeDiagnosis(findings: readonly Finding[]): string {
  return [...findings.map(describeFinding), '', summaryOf(findings)].join('\n');
}

function describeFinding({ id, level, what, why, fix }: Finding): string {
  const lines = [`${MARKS[level]} ${id}: ${plain(what)}`];
  if (why !== undefined) lines.push(`          why: ${plain(why)}`);
  if (fix !== undefined) lines.push(`          fix: ${fix.replaceAll('\n', '\n               ')}`);
  return lines.join('\n');
}

/** What a store has written cannot move the cursor or break a line. */
function plain(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function summaryOf(findings: readonly Finding[]): string {
  const count = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings, notes] = [count('error'), count('warning'), count('note')];
  if (errors + warnings === 0) return `All is well; ${formatCount(notes, 'note')}.`;
  return `${formatCount(errors, 'error')}, ${formatCount(warnings, 'warning')}, ${formatCount(notes, 'note')}.`;
}

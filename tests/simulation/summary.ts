import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { BRANCHES } from './engine/branches.ts';
import { FAULT_NAMES } from './engine/faults.ts';
import { addHits, medianOf } from './engine/tally.ts';
import { killPointsOf } from './kill-points.ts';
import type { WorkerReport } from './worker.ts';

/** What a run prints as its last line with `--json`. */
export interface Summary {
  readonly schedules: number;
  readonly violations: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly branches: Readonly<Record<string, number>>;
  readonly killPoints: Readonly<Record<string, number>>;
  readonly medianActors: number;
  readonly medianFaults: number;
  readonly medianCrashes: number;
  readonly failingSeeds: readonly number[];
  /** Seed that killed each mutant; `null`: it lives. */
  readonly mutants: Readonly<Record<string, number | null>>;
  readonly seconds: number;
}

/** Adds reports up. */
export interface Sum {
  add(reports: readonly WorkerReport[]): void;
  summary(mutants: Summary['mutants'], seconds: number): Summary;
}

/** Runs with fewer schedules may miss what is rare. */
export const SCHEDULES_THAT_HIT_ALL = 5_000;

/** Nothing yet: everything that can be hit stands at 0. */
export function createSum(): Sum {
  const { catalog } = createSqliteStore({ path: ':memory:' });
  const zeros = (names: readonly string[]): Map<string, number> => new Map(names.map((name) => [name, 0]));
  const faults = zeros(FAULT_NAMES);
  const branches = zeros(BRANCHES);
  const killPoints = zeros(killPointsOf(catalog));
  const all: WorkerReport[] = [];
  return {
    add(reports) {
      for (const report of reports) {
        all.push(report);
        addHits(faults, report.faults);
        addHits(branches, report.branches);
        addHits(killPoints, report.killPoints);
      }
    },
    summary: (mutants, seconds) => ({
      schedules: all.length,
      violations: all.reduce((sum, report) => sum + report.violations.length, 0),
      faults: Object.fromEntries(faults),
      branches: Object.fromEntries(branches),
      killPoints: Object.fromEntries(killPoints),
      medianActors: medianOf(all.map((report) => report.actorCount)),
      medianFaults: medianOf(all.map((report) => report.faultCount)),
      medianCrashes: medianOf(all.map((report) => report.crashCount)),
      failingSeeds: all.filter((report) => report.violations.length > 0).map((report) => report.seed),
      mutants,
      seconds: Math.round(seconds),
    }),
  };
}

/** Names that were never hit. */
export function missedIn({ branches, killPoints, faults }: Summary): readonly string[] {
  return [branches, killPoints, faults].flatMap((hits) =>
    Object.entries(hits)
      .filter(([, count]) => count === 0)
      .map(([name]) => name),
  );
}

/** Whether everything holds that has to. */
export function isGood(summary: Summary): boolean {
  const hitsAll = summary.schedules < SCHEDULES_THAT_HIT_ALL || missedIn(summary).length === 0;
  return summary.violations === 0 && hitsAll && !Object.values(summary.mutants).includes(null);
}

/** Runs schedules for run.ts, in a thread of its own. */
import { parentPort } from 'node:worker_threads';
import { MUTANTS } from './mutants.ts';
import { runSchedule, type ScheduleReport } from './run-schedule.ts';

/** Seeds to run one after the other; with a mutant, only until it is killed. */
export interface Task {
  readonly fromSeed: number;
  readonly seedCount: number;
  readonly mutant?: string;
}

/** What came of one seed. The trace stays here: a seed that is run again has it. */
export type WorkerReport = Omit<ScheduleReport, 'trace'>;

parentPort?.on('message', (task: Task) => void work(task));

async function work({ fromSeed, seedCount, mutant }: Task): Promise<void> {
  const mutation = MUTANTS.find(({ name }) => name === mutant);
  const reports: WorkerReport[] = [];
  for (let seed = fromSeed; seed < fromSeed + seedCount; seed++) {
    const { trace: _, ...report } = await runSchedule({ seed, ...(mutation && { mutation }) });
    reports.push(report);
    if (mutation && report.violations.length > 0) break;
  }
  parentPort?.postMessage(reports);
}

/** `pnpm test`: see HELP in runner/arguments.ts. */
import { HELP, parseWish, type Wish } from './runner/arguments.ts';
import { formatCounts } from './runner/counts.ts';
import { formatSummary, summarizeAsJson } from './runner/summary.ts';
import { judge, type Outcome, type Verdict } from './runner/verdict.ts';
import { runVitest } from './runner/vitest.ts';
import { ALL_SERVICES } from './services/all-services.ts';
import { FAILURE_FOLDER } from './services/run-folders.ts';
import { createLog } from './services/progress.ts';
import { Interrupted, withServices } from './services/run-services.ts';

const startedAt = performance.now();
const log = createLog();

async function runTests(wish: Extract<Wish, { kind: 'run' }>): Promise<number> {
  const services = wish.startServices ? ALL_SERVICES : [];
  const { outcome, verdict } = await withServices(services, log, async (running) => {
    const { counts, exitCode } = await runVitest(wish, running);
    running.signal.throwIfAborted();
    const isCi = process.env['CI'] === 'true';
    const judged: Outcome = { counts, vitestExitCode: exitCode, services: running.reports, isCi };
    const result: Verdict = judge(judged);
    const isBad = result.exitCode !== 0 || running.reports.some((report) => report.state === 'unavailable');
    if (isBad && services.length > 0) {
      await running.run.keepLogs();
      log('services', `logs are kept in ${FAILURE_FOLDER}`);
    }
    return { outcome: judged, verdict: result };
  });
  const durationMs = performance.now() - startedAt;
  const format = wish.json ? summarizeAsJson : formatSummary;
  process.stdout.write(format(outcome, verdict, durationMs));
  return verdict.exitCode;
}

async function main(wish: Wish): Promise<number> {
  switch (wish.kind) {
    case 'help':
      process.stdout.write(HELP);
      return 0;
    case 'mistake':
      process.stderr.write(`${wish.message}\n\n${HELP}`);
      return 2;
    case 'run':
      return runTests(wish);
  }
}

try {
  process.exitCode = await main(parseWish(process.argv.slice(2)));
} catch (error) {
  process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
  log(
    'test',
    error instanceof Error
      ? error instanceof Interrupted
        ? error.message
        : String(error.stack)
      : String(error),
  );
  process.stdout.write(`${formatCounts({ passed: 0, failed: 0, skipped: 0 })}\n`);
}

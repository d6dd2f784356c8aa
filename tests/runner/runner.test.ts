import { describe, expect, it } from 'vitest';
import type { ServiceReport } from '../services/run-services.ts';
import { HELP, parseWish } from './arguments.ts';
import { countTests } from './counts.ts';
import { formatSummary, summarizeAsJson } from './summary.ts';
import { judge, type Outcome } from './verdict.ts';

describe('command line', () => {
  it('runs everything by default', () => {
    expect(parseWish([])).toEqual({
      kind: 'run',
      filters: [],
      only: undefined,
      startServices: true,
      json: false,
    });
  });

  it('starts no services for the fast tests, nor when told not to', () => {
    expect(parseWish(['--only', 'fast', 'packages/sdk'])).toMatchObject({
      only: 'fast',
      startServices: false,
      filters: ['packages/sdk'],
    });
    expect(parseWish(['--no-services'])).toMatchObject({ only: undefined, startServices: false });
    expect(parseWish(['--only=services', '--json'])).toMatchObject({ startServices: true, json: true });
  });

  it('names a mistake', () => {
    expect(parseWish(['--only', 'slow'])).toEqual({
      kind: 'mistake',
      message: '--only takes fast or services, not slow',
    });
    expect(parseWish(['--fast'])).toMatchObject({
      kind: 'mistake',
      message: expect.stringContaining('--fast'),
    });
  });

  it('teaches every option and every variable', () => {
    expect(parseWish(['-h'])).toEqual({ kind: 'help' });
    for (const word of ['--only', '--no-services', '--json', 'LONGHAUL_TEST_REDIS_CLUSTER', 'CI=true']) {
      expect(HELP).toContain(word);
    }
  });
});

const report = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [
    { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    { status: 'passed', assertionResults: [{ status: 'passed' }] },
  ],
};

describe('counts', () => {
  it('counts tests, to-dos as skipped', () => {
    expect(countTests(JSON.stringify(report))).toEqual({ passed: 5, failed: 1, skipped: 3 });
  });

  it('counts a file that broke before its tests as a failure', () => {
    const broken = { status: 'failed', assertionResults: [] };
    const text = JSON.stringify({ ...report, testResults: [...report.testResults, broken] });
    expect(countTests(text).failed).toBe(2);
  });
});

const missing: ServiceReport = { name: 'ceph', state: 'unavailable', reason: 'no apt\nno Docker' };
const good: Outcome = {
  counts: { passed: 5, failed: 0, skipped: 2 },
  vitestExitCode: 0,
  services: [],
  isCi: false,
};

describe('verdict', () => {
  it('is good when everything passed', () => {
    expect(judge(good)).toEqual({ exitCode: 0, complaints: [] });
  });

  it('forgives a missing service, but not in CI', () => {
    expect(judge({ ...good, services: [missing] }).exitCode).toBe(0);
    expect(judge({ ...good, services: [missing], isCi: true })).toEqual({
      exitCode: 1,
      complaints: ['CI=true and not available: ceph'],
    });
  });

  it('is bad when nothing was executed, even if nothing failed', () => {
    const counts = { passed: 0, failed: 0, skipped: 9 };
    expect(judge({ ...good, counts })).toEqual({
      exitCode: 1,
      complaints: ['not one test was executed'],
    });
  });

  it('is bad when vitest failed although no test did', () => {
    expect(judge({ ...good, vitestExitCode: 1 }).complaints).toEqual([
      'vitest ended with 1 although no test failed: see its output above',
    ]);
    expect(judge({ ...good, vitestExitCode: null }).exitCode).toBe(1);
  });
});

describe('summary', () => {
  const outcome: Outcome = {
    ...good,
    isCi: true,
    services: [
      { name: 'redis', state: 'started', origin: 'apt', version: '7.0.15', startMs: 123 },
      { name: 'postgres', state: 'given', address: 'postgres://x' },
      missing,
    ],
  };

  it('ends with the counts alone on a line', () => {
    const text = formatSummary(outcome, judge(outcome), 61_000);
    expect(text).toMatchInlineSnapshot(`
      "
      Services
        redis     apt            7.0.15  up in 0.1 s
        postgres  given          -       postgres://x
        ceph      NOT AVAILABLE  -       no apt | no Docker

      Not good
        CI=true and not available: ceph

      Took 1 min 1 s
      5 passed, 0 failed, 2 skipped
      "
    `);
    expect(text).toMatch(/\n5 passed, 0 failed, 2 skipped\n$/);
  });

  it('is one JSON object for programs', () => {
    const text = summarizeAsJson(outcome, judge(outcome), 61_000.4);
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(text)).toMatchObject({
      passed: 5,
      failed: 0,
      skipped: 2,
      exitCode: 1,
      durationMs: 61_000,
    });
  });
});

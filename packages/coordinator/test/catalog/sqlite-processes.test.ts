import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { UploadDraft } from '../../src/lib/ports/upload-record.ts';
import { begin, exampleDraft } from '../../src/lib/testing/catalog-harness.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

interface Outcome {
  readonly kind: string;
  readonly uploadId: string;
  readonly began: boolean;
}

interface FinishOutcome {
  readonly finished: boolean;
  /** Uploads whose events this process told. */
  readonly told: readonly string[];
}

const UPLOADS = 100;
const NEW_FILES = 30;
const workers: ChildProcess[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-processes-'));
});

afterEach(async () => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

it('lets two processes make a new file at the same moment', async () => {
  const crews = await Promise.all([startWorker(), startWorker()]);
  for (let round = 0; round < NEW_FILES; round += 1) {
    const path = join(folder, `new-${round}.db`);
    const drafts = [exampleDraft()];
    const outcomes = await Promise.all(crews.map((work) => work({ path, drafts })));
    expect(outcomes.flat().filter(({ kind }) => kind === 'inserted')).toHaveLength(1);
  }
});

it('keeps two processes apart that create the same uploads at once', async () => {
  const path = join(folder, 'longhaul.db');
  const crews = await Promise.all([startWorker(), startWorker()]);
  const ids = Array.from({ length: UPLOADS }, () => randomUUID());
  // Every other one is the same create sent twice; the rest are two creates of one content.
  const drafts = (): UploadDraft[] =>
    ids.map((id, index) => exampleDraft({ fingerprint: id, ...(index % 2 && { createId: id }) }));
  const [one = [], other = []] = await Promise.all(crews.map((work) => work({ path, drafts: drafts() })));

  const { catalog, state } = createSqliteStore({ path });
  for (let index = 0; index < UPLOADS; index += 1) {
    const both = [one[index]!, other[index]!];
    // The slower process finds the content open, or completing: then its own upload is a new one.
    const uploadIds = new Set(both.map(({ uploadId }) => uploadId));
    if (index % 2) expect(uploadIds.size).toBe(1);
    expect(both.filter(({ kind }) => kind === 'inserted')).toHaveLength(uploadIds.size);
    expect(both.filter(({ began }) => began)).toHaveLength(uploadIds.size);
    for (const uploadId of uploadIds) {
      expect(await catalog.find(uploadId)).toMatchObject({ state: 'COMPLETING', epoch: 1 });
      expect(await state.parts(uploadId)).toHaveLength(10);
    }
  }
  await catalog.close();
});

it('lets two processes finish the same uploads, and tell of each, once', async () => {
  const path = join(folder, 'longhaul.db');
  const { catalog } = createSqliteStore({ path });
  await catalog.migrate();
  const uploadIds: string[] = [];
  for (let index = 0; index < UPLOADS; index += 1) {
    uploadIds.push((await begin(catalog, 'COMPLETING')).uploadId);
  }
  const crews = await Promise.all([startWorker<FinishOutcome>(), startWorker<FinishOutcome>()]);
  const [one = [], other = []] = await Promise.all(crews.map((work) => work({ path, uploadIds })));
  for (let index = 0; index < UPLOADS; index += 1) {
    expect(one[index]!.finished).toBe(!other[index]!.finished);
  }
  const rest = await catalog.outbox.claim({ limit: UPLOADS, leaseMs: 0 });
  const told = [...one, ...other].flatMap((outcome) => outcome.told);
  expect([...told, ...rest.map(({ event }) => event.data.nodeId)].toSorted()).toEqual(uploadIds.toSorted());
  await catalog.close();
});

/** Starts a process; what it answers runs the work there. */
async function startWorker<Answer = Outcome>(): Promise<(order: object) => Promise<Answer[]>> {
  const worker = spawn(process.execPath, [join(import.meta.dirname, 'sqlite-worker.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  workers.push(worker);
  const lines = createInterface({ input: worker.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done) throw new Error('the process ended: its reason is on stderr');
    return value;
  };
  expect(await nextLine()).toBe('ready');
  return async (order) => {
    worker.stdin.write(`${JSON.stringify(order)}\n`);
    return JSON.parse(await nextLine()) as Answer[];
  };
}

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CoordinatorFetch, createUploader, type UploadHandle } from '@longhaul/sdk';
import { type TotalProgress, uploadAll, type UploadItem } from '@longhaul/sdk/many';
import { startServers, type TestServers } from './support/start-servers.ts';

let servers: TestServers;

beforeEach(async () => {
  servers = await startServers();
});
afterEach(async () => await servers.stop());

const filesOf = (count: number, sizeBytes = 100): Uint8Array[] =>
  Array.from({ length: count }, () => randomBytes(sizeBytes));

/** The name kept with an object, as the coordinator's catalog would have it, is in the metadata too. */
const BAD = { metadata: { 'Not a name': 'x' } };

describe('uploadAll', () => {
  it('uploads inputs and items, with one progress and an outcome each', async () => {
    const files = filesOf(30, 1_000);
    const [first = Buffer.of(), second = Buffer.of(), ...rest] = files;
    const list = [first, { input: () => Promise.resolve(second), name: 'b/second.bin' }, ...rest];
    const all = uploadAll(createUploader(servers), list, { connectorId: 'many' });
    const told: TotalProgress[] = [];
    const begun: (string | undefined)[] = [];
    all.on('progress', (progress) => told.push(progress));
    all.on('begin', ({ item, upload }) => begun.push(item.name ?? upload.state.kind));
    const outcomes = await all.result;
    expect(outcomes.map(({ result }) => result?.key)).toEqual(
      files.map(() => expect.stringMatching(/^connectors\/many\//)),
    );
    for (const [index, { result }] of outcomes.entries()) {
      expect(Buffer.compare(await servers.read(result?.key ?? ''), files[index] ?? Buffer.of())).toBe(0);
    }
    expect(outcomes[1]?.item).toBe(list[1]);
    expect(begun).toHaveLength(30);
    expect(told.at(-1)).toMatchObject({
      doneFiles: 30,
      failedFiles: 0,
      totalFiles: 30,
      sentBytes: 30_000,
      totalBytes: 30_000,
      isCounted: true,
    });
    const sent = told.map(({ sentBytes }) => sentBytes);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  });

  it('knows the total from the start of a list whose sizes are known', async () => {
    const all = uploadAll(createUploader(servers), filesOf(3, 7));
    await Promise.resolve();
    expect(all.progress).toMatchObject({ totalFiles: 3, totalBytes: 21, isCounted: true });
    await all.cancel();
  });

  it('lets one fail and goes on with the others', async () => {
    const [good = Buffer.of(), bad = Buffer.of()] = filesOf(2);
    const broken = (): never => {
      throw new Error('gone');
    };
    const list = [good, { input: bad, ...BAD }, { input: broken, name: 'broken' }, good];
    const all = uploadAll(createUploader(servers), list, { resume: false });
    const ended: unknown[] = [];
    all.on('end', ({ item }) => ended.push(item));
    const outcomes = await all.result;
    expect(outcomes.map(({ error }) => error)).toMatchObject([
      undefined,
      { problem: { code: 'bad-request' } },
      { message: 'gone' },
      undefined,
    ]);
    expect(all.progress).toMatchObject({ doneFiles: 2, failedFiles: 2, totalFiles: 4, isCounted: true });
    expect(all.progress.sentBytes).toBe(all.progress.totalBytes);
    expect(ended).toHaveLength(4);
  });

  it('stops at the first failure where that is wanted', async () => {
    const list = Array.from({ length: 500 }, (_, index) => ({
      input: randomBytes(10),
      ...(index === 3 && BAD),
    }));
    const outcomes = await uploadAll(createUploader(servers), list, { stopOnError: true }).result;
    expect(outcomes.length).toBeLessThan(500);
    const reason = outcomes[3]?.error;
    expect(reason).toMatchObject({ problem: { code: 'bad-request' } });
    const failed = outcomes.filter(({ result }) => !result);
    expect(failed.every(({ error }) => error === reason)).toBe(true);
  });

  it('asks for the next only when there is room, and opens no more than that', async () => {
    let [asked, open, mostOpen, mostAhead] = [0, 0, 0, 0];
    async function* list(): AsyncGenerator<UploadItem<Uint8Array>> {
      for (; asked < 230; asked++) {
        const input = (): Uint8Array => {
          mostOpen = Math.max(mostOpen, ++open);
          return randomBytes(10);
        };
        yield { input };
      }
    }
    const all = uploadAll(createUploader(servers), list());
    let ended = 0;
    all.on('end', () => {
      open--;
      mostAhead = Math.max(mostAhead, asked - ++ended);
    });
    expect(await all.result).toHaveLength(230);
    expect(mostOpen).toBeLessThanOrEqual(100);
    expect(mostAhead).toBeLessThanOrEqual(101);
    expect(all.progress).toMatchObject({ doneFiles: 230, totalFiles: 230, isCounted: true });
  });

  it('says what a list throws, once what was begun has ended', async () => {
    async function* list(): AsyncGenerator<Uint8Array> {
      yield randomBytes(10);
      throw new Error('the list broke');
    }
    const all = uploadAll(createUploader(servers), list());
    await expect(all.result).rejects.toThrow('the list broke');
    expect(all.progress).toMatchObject({ doneFiles: 1, totalFiles: 1 });
  });

  it('cancels those under way and begins no more', async () => {
    const all = uploadAll(createUploader(servers), filesOf(300, 300_000));
    await new Promise<void>((resolve) => all.on('end', () => resolve()));
    await all.cancel();
    const outcomes = await all.result;
    expect(outcomes.length).toBeLessThan(300);
    const failed = outcomes.filter(({ result }) => !result);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ error }) => (error as { code?: string }).code === 'CANCELLED')).toBe(true);
    for (const { result } of outcomes)
      if (result) expect(await servers.read(result.key)).toHaveLength(300_000);
  });

  it('pauses those under way and begins no more, until it goes on', async () => {
    const all = uploadAll(createUploader(servers), filesOf(150, 300_000));
    const begun: UploadHandle[] = [];
    all.on('begin', ({ upload }) => begun.push(upload));
    await new Promise<void>((resolve) => all.on('end', () => resolve()));
    all.pause();
    const before = begun.length;
    // Those that have sent everything end all the same.
    await vi.waitUntil(() => begun.every(({ state }) => /^(paused|completed)$/.test(state.kind)), 20_000);
    expect(begun.some(({ state }) => state.kind === 'paused')).toBe(true);
    expect(begun).toHaveLength(before);
    all.resume();
    expect((await all.result).filter(({ result }) => result)).toHaveLength(150);
  });

  it('ends all of them when it is cancelled, also where the first failure stops the others', async () => {
    let ends = 0;
    const coordinator: CoordinatorFetch = async (request) => {
      // One after the other.
      if (request.method === 'DELETE') await sleep(200 * ends++, undefined, { signal: request.signal });
      return await servers.coordinator(request);
    };
    const uploader = createUploader({ coordinator, maxBytesPerSecond: 2 * 1024 ** 2 });
    const all = uploadAll(uploader, filesOf(3, 11 * 1024 ** 2), { stopOnError: true });
    const begun: UploadHandle[] = [];
    all.on('begin', ({ upload }) => begun.push(upload));
    const isSending = (): boolean => begun.filter(({ state }) => state.kind === 'sending').length === 3;
    await vi.waitUntil(isSending, 20_000);
    await all.cancel();
    const outcomes = await all.result;
    expect(outcomes.map(({ error }) => (error as { code?: string }).code)).toEqual(
      filesOf(3).map(() => 'CANCELLED'),
    );
    expect(await servers.openUploads()).toBe(0);
  });

  it('pauses those that were just about to begin, too', async () => {
    const file = Promise.withResolvers<Uint8Array>();
    const list = filesOf(3).map((_, index) => ({ input: () => file.promise, name: `${index}` }));
    const all = uploadAll(createUploader(servers), list);
    const begun: UploadHandle[] = [];
    all.on('begin', ({ upload }) => {
      if (begun.push(upload) === 1) all.pause();
    });
    await sleep(10);
    file.resolve(randomBytes(300_000));
    await sleep(200);
    expect(begun.map(({ state }) => state.kind)).toEqual(begun.map(() => 'paused'));
    await all.cancel();
    await all.result;
  });

  it('asks for nothing while it is paused', async () => {
    let asked = 0;
    function* list(): Generator<Uint8Array> {
      for (; asked < 50; asked++) yield randomBytes(10);
    }
    const all = uploadAll(createUploader(servers), list());
    all.pause();
    await sleep(50);
    // The first was asked for before the pause.
    expect(asked).toBeLessThanOrEqual(1);
    all.resume();
    expect(await all.result).toHaveLength(50);
  });

  it('has no rate in a pause', async () => {
    const uploader = createUploader({ ...servers, maxBytesPerSecond: 2 * 1024 ** 2 });
    const all = uploadAll(uploader, filesOf(2, 6 * 1024 ** 2));
    await vi.waitUntil(() => all.progress.bytesPerSecond > 0, 20_000);
    all.pause();
    await sleep(300);
    expect(all.progress).toMatchObject({ bytesPerSecond: 0, etaSeconds: undefined });
    await all.cancel();
  });

  it('ends when it is cancelled although the list says nothing', async () => {
    async function* list(): AsyncGenerator<Uint8Array> {
      yield randomBytes(10);
      await new Promise(() => {});
    }
    const all = uploadAll(createUploader(servers), list());
    await new Promise<void>((resolve) => all.on('end', () => resolve()));
    await all.cancel();
    expect(await all.result).toHaveLength(1);
  });

  it('can be cancelled while it is paused', async () => {
    const all = uploadAll(createUploader(servers), filesOf(150, 300_000));
    await new Promise<void>((resolve) => all.on('begin', () => resolve()));
    all.pause();
    await all.cancel();
    const outcomes = await all.result;
    expect(outcomes.length).toBeLessThanOrEqual(101);
    all.resume();
    all.pause();
  });

  it('is stopped by a signal, and what is complete stays', async () => {
    const controller = new AbortController();
    const all = uploadAll(createUploader(servers), filesOf(300), { signal: controller.signal });
    await new Promise<void>((resolve) => all.on('end', () => resolve()));
    controller.abort(new Error('enough'));
    const outcomes = await all.result;
    expect(outcomes.length).toBeLessThan(300);
    expect(outcomes.some(({ result }) => result)).toBe(true);
    expect(outcomes.every(({ result, error }) => result || (error as Error).message === 'enough')).toBe(true);
  });

  it('begins nothing with a signal that was aborted before', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    expect(await uploadAll(createUploader(servers), filesOf(3), { signal }).result).toEqual([]);
  });

  it.each([['/a/path'], [new Uint8Array(3)], [5], [undefined]])('takes no %j for a list', (list) => {
    const uploader = createUploader(servers);
    expect(() => uploadAll(uploader, list as never)).toThrow(TypeError);
  });
});

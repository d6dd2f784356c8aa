import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createLocalS3 } from '../src/index.ts';
import type { TestServer } from './test-server.ts';
import {
  BUCKET,
  CREDENTIALS,
  createClient,
  patternBytes,
  putUnresolved,
  startServer,
} from './test-server.ts';

const MIB = 1024 ** 2;

let server: TestServer;
beforeEach(async () => {
  server = await startServer('folder', { minPartSizeBytes: MIB });
});
afterEach(() => server.close());

const put = (Key: string, Body: Uint8Array | string) =>
  server.client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
const remove = (Key: string) => server.client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
const visible = (key: string) => join(server.folder, BUCKET, key);

describe('the visible files', () => {
  test('a key is the obvious path', async () => {
    const key = 'connectors/default/0b6c3a52-9d0c-4c59-8f7a-2c8d6f1f7a11';
    await put(key, 'content');
    expect(server.s3.objectFile(BUCKET, key)).toBe(visible(key));
    expect(await readFile(visible(key), 'utf8')).toBe('content');
    await put(key, 'newer');
    expect(await readFile(visible(key), 'utf8')).toBe('newer');
  });

  test('a deleted object takes its empty folders along', async () => {
    await put('x/y/one', '1');
    await put('x/two', '2');
    await remove('x/y/one');
    expect(await readdir(visible('x'))).toEqual(['two']);
    expect(server.s3.objectFile(BUCKET, 'x/y/one')).toBeUndefined();
    await remove('x/two');
    expect(await readdir(join(server.folder, BUCKET))).toEqual([]);
  });

  test.each([
    'a/../../../escape',
    '../escape',
    '/absolute',
    'trailing/',
    'a//b',
    '.',
    'n'.repeat(300),
    'a\u0001b',
  ])('key %j has a plain file too, elsewhere', async (key) => {
    const path = `/${BUCKET}/${key.split('/').map(encodeURIComponent).join('/')}`;
    const url = await server.presign({ method: 'PUT', path });
    expect(await putUnresolved(url, 'content')).toBe(200);
    const file = server.s3.objectFile(BUCKET, key) ?? '';
    expect(file.startsWith(join(server.folder, '.local-s3', 'bytes'))).toBe(true);
    expect(await readFile(file, 'utf8')).toBe('content');
    expect(await readdir(server.folder)).toEqual(['.local-s3']);
  });

  test('a key below another key', async () => {
    await put('p', 'file');
    await put('p/q', 'below');
    expect(server.s3.objectFile(BUCKET, 'p')).toBe(visible('p'));
    expect(await readFile(server.s3.objectFile(BUCKET, 'p/q') ?? '', 'utf8')).toBe('below');
    await put('r/s', 'below');
    await put('r', 'file');
    expect(server.s3.objectFile(BUCKET, 'r/s')).toBe(visible('r/s'));
    expect(await readFile(server.s3.objectFile(BUCKET, 'r') ?? '', 'utf8')).toBe('file');
    for (const key of ['p', 'p/q', 'r', 'r/s']) await remove(key);
  });

  test('a file that somebody else put there is not taken for the object', async () => {
    await put('k', 'content');
    await rm(visible('k'));
    await writeFile(visible('k'), 'something else');
    expect(await readFile(server.s3.objectFile(BUCKET, 'k') ?? '', 'utf8')).toBe('content');
  });

  test('in memory there are none', async () => {
    const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials: CREDENTIALS, buckets: [BUCKET] });
    expect(s3.objectFile(BUCKET, 'k')).toBeUndefined();
  });
});

const upload = async (Key: string, bodies: readonly Uint8Array[]) => {
  const ref = { Bucket: BUCKET, Key };
  const { UploadId } = await server.client.send(new CreateMultipartUploadCommand(ref));
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const { ETag } = await server.client.send(new UploadPartCommand({ ...ref, UploadId, PartNumber, Body }));
    parts.push({ PartNumber, ETag });
  }
  const complete = () =>
    server.client.send(
      new CompleteMultipartUploadCommand({ ...ref, UploadId, MultipartUpload: { Parts: parts } }),
    );
  return { ref: { ...ref, UploadId }, parts, complete };
};

const bytesFolder = () => join(server.folder, '.local-s3', 'bytes');

const inodesBelow = async (folder: string): Promise<readonly number[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).ino));
};

describe('completing', () => {
  test('equal parts are not copied: the object is the file that they were written to', async () => {
    const bodies = [patternBytes(2 * MIB, 1), patternBytes(2 * MIB, 2), patternBytes(MIB / 2, 3)];
    const { complete } = await upload('big', bodies);
    const before = await inodesBelow(bytesFolder());
    await complete();
    expect(before).toContain((await stat(visible('big'))).ino);
    expect((await readFile(visible('big'))).equals(Buffer.concat(bodies))).toBe(true);
    expect(await inodesBelow(bytesFolder())).toHaveLength(1);
  });

  test('a part sent twice is put into its place', async () => {
    const bodies = [patternBytes(MIB, 1), patternBytes(MIB, 2)];
    const { ref, parts } = await upload('twice', bodies);
    const Body = patternBytes(MIB, 3);
    const { ETag } = await server.client.send(new UploadPartCommand({ ...ref, PartNumber: 1, Body }));
    parts[0] = { PartNumber: 1, ETag };
    await server.client.send(
      new CompleteMultipartUploadCommand({ ...ref, MultipartUpload: { Parts: parts } }),
    );
    expect((await readFile(visible('twice'))).equals(Buffer.concat([Body, bodies[1]!]))).toBe(true);
  });

  test('somebody who is still sending a part cannot change the object', async () => {
    const bodies = [patternBytes(MIB, 1), patternBytes(MIB, 2)];
    const { ref, complete } = await upload('late', bodies);
    const late = async (partNumber: number) => {
      const query = { partNumber: String(partNumber), uploadId: ref.UploadId ?? '' };
      const url = new URL(await server.presign({ method: 'PUT', path: `/${BUCKET}/late`, query }));
      const socket = connect(Number(url.port), url.hostname);
      const sent = `PUT ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Length: ${MIB}\r\n\r\n`;
      socket.write(sent);
      socket.write(Buffer.alloc(MIB / 2, 0xff));
      return socket;
    };
    const sockets = [await late(2), await late(3)];
    // Both have begun to write when their files or slots exist.
    await expect.poll(async () => (await inodesBelow(bytesFolder())).length).toBeGreaterThanOrEqual(2);
    await complete();
    for (const socket of sockets) {
      const answered = once(socket, 'data');
      socket.write(Buffer.alloc(MIB / 2, 0xff));
      expect(String(await answered)).toContain('NoSuchUpload');
      socket.destroy();
    }
    expect((await readFile(visible('late'))).equals(Buffer.concat(bodies))).toBe(true);
  });
});

/** The same folder, opened again as after a restart. */
const reopen = async () => {
  const s3 = createLocalS3({
    storage: { kind: 'folder', path: server.folder },
    credentials: CREDENTIALS,
    minPartSizeBytes: MIB,
  });
  const { url, close } = await s3.listen();
  return { s3, client: createClient(url), close };
};

describe('after a restart', () => {
  test('buckets, objects, versions, uploads and parts are there', async () => {
    const body = patternBytes(MIB, 5);
    await server.client.send(
      new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    await put('kept', 'one');
    await put('kept', 'two');
    await put('hidden', 'x');
    await remove('hidden');
    const open = await upload('open', [body, body, patternBytes(9)]);

    const again = await reopen();
    const versions = await again.client.send(new ListObjectVersionsCommand({ Bucket: BUCKET }));
    expect(versions.Versions?.map(({ Key }) => Key)).toEqual(['hidden', 'kept', 'kept']);
    expect(versions.DeleteMarkers).toHaveLength(1);
    const { Body } = await again.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'kept' }));
    expect(await Body?.transformToString()).toBe('two');
    expect(again.s3.objectFile(BUCKET, 'kept')).toBe(visible('kept'));
    const listed = await again.client.send(new ListPartsCommand(open.ref));
    expect(listed.Parts?.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))).toEqual(open.parts);

    // A part sent after the restart must not touch what the first process wrote.
    const Fresh = patternBytes(MIB, 6);
    const { ETag } = await again.client.send(
      new UploadPartCommand({ ...open.ref, PartNumber: 2, Body: Fresh }),
    );
    const Parts = [open.parts[0]!, { PartNumber: 2, ETag }, open.parts[2]!];
    await again.client.send(new CompleteMultipartUploadCommand({ ...open.ref, MultipartUpload: { Parts } }));
    const expected = Buffer.concat([body, Fresh, patternBytes(9)]);
    expect((await readFile(visible('open'))).equals(expected)).toBe(true);
    await again.close();
  });

  test('an ended upload stays ended, and a repeated Complete gets its answer', async () => {
    const done = await upload('done', [patternBytes(MIB, 1), patternBytes(5, 2)]);
    const { ETag } = await done.complete();
    const aborted = await upload('aborted', [patternBytes(MIB, 1)]);
    await server.client.send(new AbortMultipartUploadCommand(aborted.ref));

    const again = await reopen();
    const { Uploads } = await again.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    expect(Uploads ?? []).toEqual([]);
    const repeated = await again.client.send(
      new CompleteMultipartUploadCommand({ ...done.ref, MultipartUpload: { Parts: done.parts } }),
    );
    expect(repeated.ETag).toBe(ETag);
    await expect(again.client.send(new ListPartsCommand(aborted.ref))).rejects.toMatchObject({
      name: 'NoSuchUpload',
    });
    await again.close();
  });

  test('an upload whose object was written but whose end was not is ended', async () => {
    const { ref, parts, complete } = await upload('between', [patternBytes(MIB, 1), patternBytes(5, 2)]);
    const uploads = join(server.folder, '.local-s3', 'records', 'uploads', BUCKET, ref.UploadId ?? '');
    const saved = await readFile(join(uploads, 'upload.json'));
    const { ETag } = await complete();
    // As a process leaves it that is killed right after the object's record.
    await rm(join(server.folder, '.local-s3', 'records', 'ended'), { recursive: true });
    await mkdir(uploads, { recursive: true });
    await writeFile(join(uploads, 'upload.json'), saved);

    const again = await reopen();
    const { Uploads } = await again.client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
    expect(Uploads ?? []).toEqual([]);
    const repeated = await again.client.send(
      new CompleteMultipartUploadCommand({ ...ref, MultipartUpload: { Parts: parts } }),
    );
    expect(repeated.ETag).toBe(ETag);
    await again.close();
  });

  test('what no record tells of is swept, and lost views are made again', async () => {
    await put('kept', 'content');
    await rm(visible('kept'));
    const stray = join(bytesFolder(), 'objects', 'stray');
    const halfWritten = join(server.folder, '.local-s3', 'temporary', 'half');
    await writeFile(stray, 'x');
    await writeFile(halfWritten, '{"na');
    const again = await reopen();
    await expect(stat(stray)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(stat(halfWritten)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readFile(visible('kept'), 'utf8')).toBe('content');
    await again.close();
  });

  test('a damaged record is named instead of being passed over', async () => {
    await writeFile(join(server.folder, '.local-s3', 'records', 'buckets', `${BUCKET}.json`), '{');
    await expect(reopen()).rejects.toThrow(/buckets.*uploads\.json is damaged/);
  });
});

describe('killed', () => {
  test('at any moment: parts that were answered are there, and an object is whole or absent', async () => {
    const bodies = [1, 2, 3, 4].map((seed) => patternBytes(MIB, seed));
    const whole = Buffer.concat(bodies);
    const outcomes = new Set<string>();
    for (const moment of KILL_MOMENTS) outcomes.add(await uploadWithKill({ bodies, whole, moment }));
    // Early kills leave an open upload, the latest one an object.
    expect(outcomes).toEqual(new Set(['open', 'object']));
  });
});

/** While that part is sent, while Complete runs, or after its answer. */
const KILL_MOMENTS = [1, 2, 4, 'completing', 'completing', 'completed'] as const;

interface KillRound {
  readonly bodies: readonly Buffer[];
  readonly whole: Buffer;
  readonly moment: (typeof KILL_MOMENTS)[number];
}

/** Uploads to a server of its own, kills that, and finishes on a second one. */
async function uploadWithKill({ bodies, whole, moment }: KillRound): Promise<'open' | 'object'> {
  const target = { Bucket: BUCKET, Key: `killed/${moment}/${randomUUID()}` };
  const victim = fork(join(import.meta.dirname, 'serve-folder.ts'), [server.folder], { stdio: 'inherit' });
  const [url] = (await once(victim, 'message')) as [string];
  const client = createClient(url);
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
  const answered = new Map<number, string | undefined>();
  const sendAll = async () => {
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const sending = client.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
      if (PartNumber === moment) victim.kill('SIGKILL');
      answered.set(PartNumber, (await sending).ETag);
    }
    const Parts = [...answered].map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
    const completing = client.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    if (moment === 'completing') victim.kill('SIGKILL');
    await completing;
  };
  await sendAll().catch(() => {});
  victim.kill('SIGKILL');
  if (victim.signalCode === null) await once(victim, 'exit');
  client.destroy();

  const again = await reopen();
  try {
    return await finish({ client: again.client, target: { ...target, UploadId }, bodies, whole, answered });
  } finally {
    again.client.destroy();
    await again.close();
  }
}

interface Finish extends Omit<KillRound, 'moment'> {
  readonly client: ReturnType<typeof createClient>;
  readonly target: { Bucket: string; Key: string; UploadId: string | undefined };
  readonly answered: ReadonlyMap<number, string | undefined>;
}

async function finish({ client, target, bodies, whole, answered }: Finish): Promise<'open' | 'object'> {
  const read = async () => {
    const { Body } = await client.send(new GetObjectCommand(target));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const found = await read().catch(() => undefined);
  if (found !== undefined) {
    expect(found.equals(whole)).toBe(true);
    await expect(client.send(new ListPartsCommand(target))).rejects.toMatchObject({ name: 'NoSuchUpload' });
    return 'object';
  }
  const listed = (await client.send(new ListPartsCommand(target))).Parts ?? [];
  for (const [PartNumber, ETag] of answered) {
    expect(listed).toContainEqual(expect.objectContaining({ PartNumber, ETag }));
  }
  const parts = new Map(listed.map((part) => [part.PartNumber, part.ETag]));
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    if (parts.has(PartNumber)) continue;
    parts.set(PartNumber, (await client.send(new UploadPartCommand({ ...target, PartNumber, Body }))).ETag);
  }
  const Parts = [...parts]
    .map(([PartNumber, ETag]) => ({ PartNumber, ETag }))
    .toSorted((a, b) => Number(a.PartNumber) - Number(b.PartNumber));
  await client.send(new CompleteMultipartUploadCommand({ ...target, MultipartUpload: { Parts } }));
  expect((await read()).equals(whole)).toBe(true);
  return 'open';
}

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { createUploader } from '@longhaul/sdk';
import { CEPH_TLS, MINIO, type TestStore } from '../../tests/e2e/support/stores.ts';
import type { CoordinatorProcess } from '../../tests/processes/serve-coordinator.ts';
import { startReplica, tlsUrlOf } from '../../tests/rotations/support/replica.ts';
import { askRotation, type CustomerKey, newKey, readRotation } from '../../tests/rotations/support/rotate.ts';
import {
  type SeenCopy,
  startStoreProxy,
  type StoreProxy,
} from '../../tests/rotations/support/store-proxy.ts';
import { openKeyStream } from './key-stream.ts';

/** What was measured of one rotation. */
export interface Report {
  readonly store: string;
  /** Encryption before. After it, it is `sse-c` under a new key. */
  readonly from: 'nothing' | 'sse-c';
  readonly sizeBytes: number;
  readonly partCount: number;
  /** What the coordinators exchanged with the store from the request to the end, both ways, with what TLS and HTTP add. */
  readonly storeBytes: number;
  /** All that their processes have read and written in that time, files too. */
  readonly processBytes: number;
  /** While the store copied; without the wait for whoever was dead. */
  readonly seconds: number;
  readonly gbPerSecond: number;
  /** From the kill until the other one began to copy. */
  readonly waitSeconds: number;
  readonly copiedBeforeKill: number;
  readonly inFlightAtKill: number;
  readonly askedAfterKill: number;
  /** Parts that were copied before the kill, and again after it. */
  readonly copiedAgain: number;
  /** What does not hold, in words. */
  readonly broken: readonly string[];
}

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const PIECE_BYTES = 64 * MIB;
/** Above this a copy has several parts by itself; below it they are made smaller, so that there is a middle. */
const MOST_AT_ONCE = 5 * GIB;
const SMALL_PARTS = 24;
/** From one connection to the end, a lease of a minute included. */
const ENDS_WITHIN_MS = 1_800_000;

const SERVERS = {
  ceph: { server: 'CEPH', kind: CEPH_TLS, from: 'nothing' },
  minio: { server: 'MINIO', kind: MINIO, from: 'sse-c' },
} as const;

const [name, sizeText] = process.argv.slice(2);
process.send?.(await measureRotation(SERVERS[name as keyof typeof SERVERS], Number(sizeText)));
process.disconnect();

/** Everything that stands while a rotation is measured. */
interface Stage {
  readonly store: TestStore;
  readonly proxy: StoreProxy;
  readonly replicas: readonly CoordinatorProcess[];
  readonly sizeBytes: number;
  readonly from: Report['from'];
}

async function measureRotation(
  { server, kind, from }: (typeof SERVERS)[keyof typeof SERVERS],
  sizeBytes: number,
): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-bench-'));
  const [store, proxy] = await Promise.all([kind.open(), startStoreProxy(tlsUrlOf(server))]);
  const ground = {
    server,
    store,
    storeUrl: proxy.url,
    memory: { LONGHAUL_SQLITE_FILE: join(folder, 'longhaul.sqlite') },
    masterKeys: `bench:${randomBytes(32).toString('base64')}`,
    folder,
    ...(sizeBytes <= MOST_AT_ONCE && {
      maxCopySizeBytes: Math.max(5 * MIB, Math.ceil(sizeBytes / SMALL_PARTS)),
    }),
  };
  const replicas: CoordinatorProcess[] = [];
  try {
    // The first one brings the schema up to date.
    for (const _ of ['rival', 'rival']) replicas.push(await startReplica(ground));
    return await rotate({ store, proxy, replicas, sizeBytes, from });
  } finally {
    await Promise.all(replicas.map((replica) => replica.kill()));
    await proxy.close();
    await store.close();
    await rm(folder, { recursive: true });
  }
}

async function rotate(stage: Stage): Promise<Report> {
  const { store, proxy, replicas, sizeBytes, from } = stage;
  const keys = { old: newKey(), rivals: [newKey(), newKey()] as const };
  const object = await upload(stage, keys.old);
  const bytesBefore = proxy.bytes;
  const processBefore = await bytesOf(replicas);

  const answers = await Promise.all(
    keys.rivals.map(({ wish }, index) =>
      askRotation(replicas[index]!.url, object.nodeId, {
        encryption: wish,
        ...(from === 'sse-c' && { oldCustomerKey: keys.old.base64 }),
      }),
    ),
  );
  const winner = answers.findIndex(({ status }) => status === 202);
  const loser = 1 - winner;
  if (winner < 0 || answers[loser]?.answer.code !== 'rotation-open')
    throw new Error(`the rivals were answered ${JSON.stringify(answers)}`);
  const { partCount } = answers[winner]!.answer;
  tell(`one of two rivals copies ${partCount} parts`);

  await until(() => proxy.copies.filter(isCopied).length >= partCount / 3);
  const processAtKill = await bytesOf(replicas);
  const killedAtMs = performance.now();
  await replicas[winner]!.kill();
  const before = proxy.copies.slice();
  const copied = new Set(before.filter(isCopied).map(({ partNumber }) => partNumber));
  tell(`killed when ${copied.size} parts were copied`);

  const survivor = replicas[loser]!;
  const end = await untilEnd(survivor, object.nodeId);
  const endedAtMs = performance.now();
  const processAfter = await bytesOf([survivor]);
  const after = proxy.copies.slice(before.length);
  const copyingMs = killedAtMs - (before[0]?.atMs ?? 0) + (endedAtMs - (after[0]?.atMs ?? endedAtMs));
  tell(`ended as ${end.state}; reading it back`);

  const report = {
    store: store.objectStore.profile.name,
    from,
    sizeBytes,
    partCount,
    storeBytes: proxy.bytes - bytesBefore,
    processBytes:
      processAtKill[winner]! - processBefore[winner]! + (processAfter[0]! - processBefore[loser]!),
    seconds: copyingMs / 1000,
    gbPerSecond: sizeBytes / 1e6 / copyingMs,
    waitSeconds: ((after[0]?.atMs ?? endedAtMs) - killedAtMs) / 1000,
    copiedBeforeKill: copied.size,
    inFlightAtKill: before.length - copied.size,
    askedAfterKill: after.length,
    copiedAgain: after.filter(({ partNumber }) => copied.has(partNumber)).length,
  };
  const wrongKeys = [keys.rivals[loser]!, ...(from === 'sse-c' ? [keys.old] : [])];
  const left = { object, end, key: keys.rivals[winner]!, wrongKeys };
  return { ...report, broken: [...brokenIn(report), ...(await brokenAtStore(store, left))] };
}

interface Uploaded {
  readonly nodeId: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

async function upload({ replicas, sizeBytes, from }: Stage, key: CustomerKey): Promise<Uploaded> {
  const { stream, sha256 } = openKeyStream(sizeBytes);
  const handle = createUploader({ coordinator: replicas[0]!.url }).upload(stream, {
    expectedSizeBytes: sizeBytes,
    ...(from === 'sse-c' && { encryption: { mode: from, key: key.base64 } }),
  });
  const telling = setInterval(() => tell(`sent ${Math.floor((sentBytes / sizeBytes) * 100)} %`), 10_000);
  let sentBytes = 0;
  handle.on('progress', (progress) => (sentBytes = progress.sentBytes));
  const result = await handle.result.finally(() => clearInterval(telling));
  tell('the object is stored');
  return { nodeId: result.uploadId, key: result.key, sizeBytes, sha256: sha256() };
}

function brokenIn(report: Omit<Report, 'broken'>): string[] {
  const { sizeBytes, storeBytes, processBytes, partCount, copiedBeforeKill, copiedAgain } = report;
  // Of a small object, what is said around it is no small part.
  const many = Math.max(sizeBytes, GIB);
  return [
    ...(storeBytes > many / 1000 ? ['the object passed through the coordinator'] : []),
    ...(processBytes > many / 50 ? ['a coordinator has read and written too much'] : []),
    ...(copiedBeforeKill < 1 || copiedBeforeKill >= partCount ? ['it was not killed in the middle'] : []),
    ...(copiedAgain > 0 ? ['parts were copied again'] : []),
  ];
}

interface Left {
  readonly object: Uploaded;
  readonly end: { readonly state: string; readonly result?: { readonly key: string } };
  readonly key: CustomerKey;
  readonly wrongKeys: readonly CustomerKey[];
}

async function brokenAtStore(store: TestStore, { object, end, key, wrongKeys }: Left): Promise<string[]> {
  const { canRead, objectStore } = store;
  if (end.state !== 'DONE' || !end.result) return [`the rotation ended as ${end.state}`];
  const broken: string[] = [];
  if ((await readBack(store, { ...object, key: end.result.key }, key)) !== object.sha256)
    broken.push('the content is another one');
  for (const wrong of [undefined, ...wrongKeys.map(({ base64 }) => base64)])
    if (await canRead(end.result.key, wrong)) broken.push('another key, or none, opens the object');
  if (await objectStore.findListed({ key: object.key })) broken.push('the old object is still there');
  const open = await objectStore.listMultipartUploads({ prefix: end.result.key });
  if (open.length > 0) broken.push('a multipart upload was left open');
  return broken;
}

/** SHA-256 (hex) of the whole, read piece by piece: one answer of gigabytes would be cut by a machine that sleeps over it. */
async function readBack(
  { owner, objectStore }: TestStore,
  { key, sizeBytes }: Pick<Uploaded, 'key' | 'sizeBytes'>,
  { base64 }: CustomerKey,
): Promise<string> {
  const hash = createHash('sha256');
  for (let start = 0; start < sizeBytes; start += PIECE_BYTES) {
    const get = new GetObjectCommand({
      Bucket: objectStore.bucket,
      Key: key,
      Range: `bytes=${start}-${start + PIECE_BYTES - 1}`,
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: base64,
    });
    const piece = async (): Promise<Uint8Array> => {
      const { Body } = await owner.send(get);
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    };
    hash.update(await piece().catch(piece).catch(piece));
  }
  return hash.digest('hex');
}

async function untilEnd({ url }: CoordinatorProcess, nodeId: string) {
  let last = 0;
  for (const deadline = performance.now() + ENDS_WITHIN_MS; performance.now() < deadline; await sleep(500)) {
    const { answer } = await readRotation(url, nodeId);
    if (answer.state === 'DONE' || answer.state === 'FAILED') return answer;
    if (answer.copiedPartCount !== last) tell(`${(last = answer.copiedPartCount)} parts are copied`);
  }
  throw new Error('the rotation has not ended');
}

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + ENDS_WITHIN_MS; !isSo(); await sleep(20))
    if (performance.now() > deadline) throw new Error('nothing is copied');
}

function isCopied({ status }: SeenCopy): boolean {
  return status === 200;
}

/** What each process has read and written since it began, sockets and files alike. */
async function bytesOf(replicas: readonly CoordinatorProcess[]): Promise<number[]> {
  return await Promise.all(
    replicas.map(async ({ pid }) => {
      const text = await readFile(`/proc/${pid}/io`, 'utf8');
      return ['rchar', 'wchar'].reduce(
        (sum, field) => sum + Number(new RegExp(`^${field}: (\\d+)$`, 'm').exec(text)?.[1]),
        0,
      );
    }),
  );
}

function tell(what: string): void {
  process.stderr.write(`${what}\n`);
}

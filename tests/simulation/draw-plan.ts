import { type ClientPlan, createHints } from './actors/client.ts';
import { isEditable, type SimulatedFile } from './actors/source.ts';
import { toCome } from './bias.ts';
import { FAULT_NAMES, type FaultName, type FaultWindow } from './engine/faults.ts';
import type { Random } from './engine/random.ts';
import { ROTATION_FAULTS, withRotators } from './draw-rotators.ts';
import type { Plan } from './plan.ts';
import { STORE_TRAITS, type StoreTraitsName } from './store/store-traits.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MIB = 1024 ** 2;

const OLDER = 'call met an older coordinator';

/** Faults that last for a while: the other side is away. */
const OUTAGES = new Set<FaultName>([
  'catalog down',
  'state down',
  'state read-only',
  'state full',
  'sink down',
]);
/** Faults that happen once, at some moment. */
const STROKES: readonly FaultName[] = [
  'state flushed',
  'state lost its last writes',
  'upload ended by the bucket',
  'object of somebody else at the key',
];
/** Faults that the store's nature or the client's plan decides on. */
const ELSEWHERE = new Set<FaultName>([
  ...STROKES,
  'metadata dropped at create',
  'ETag of equal bytes changed',
  'part landed after an abort',
  'file changed',
  'stream broke off',
  'machine of a client slept',
  OLDER,
  ...ROTATION_FAULTS,
]);
const CHANCES: readonly FaultName[] = FAULT_NAMES.filter(
  (name) => !OUTAGES.has(name) && !ELSEWHERE.has(name),
);

/** Faults that lead where little else leads. */
const OFTEN: readonly FaultName[] = [
  'answer to Complete spoiled',
  'part stored and its answer lost',
  'HEAD fails',
];

/** Draws a schedule. Seeds go through the points to be killed at in turn, and those that are rare are made likely. */
export function drawPlan(random: Random, seed: number, killPoints: readonly string[]): Plan {
  const edited = withEdits(drawAnyPlan(random, seed, killPoints), random.fork('edits'));
  const plan = withRotators(edited, random.fork('rotators'));
  return toCome(plan.kill.point)(withStreams(plan, random.fork('streams')));
}

/** The content of some clients comes to them as a stream, and of some of those breaks off. */
function withStreams(plan: Plan, random: Random, share = 0.15): Plan {
  const clients = plan.clients.map((client) => {
    const { changeAfterMs, editsWhileDead, file } = client;
    const isTaken = changeAfterMs !== undefined || editsWhileDead || file.sizeBytes <= 10 * MIB;
    if (isTaken || !random.chance(share)) return client;
    const knowsSize = random.chance(0.5);
    // Of unknown size, one that looks as if it were over is over.
    const how = random.pick(knowsSize ? (['ends', 'fails'] as const) : (['fails'] as const));
    const breaks = random.chance(0.4) && { how, atBytes: random.int(1, file.sizeBytes - 1) };
    const stream = { knowsSize, chunkMs: random.pick([1, 100, 1_000]), ...(breaks && { breaks }) };
    return { ...client, stream };
  });
  return { ...plan, clients };
}

/**
 * Some clients find their file edited when they come back, and others may hold it as it was. Only a store that verifies
 * digests, and coordinators that compare them, let that be noticed.
 */
export function withEdits(plan: Plan, random: Random, share = 0.25): Plan {
  if (!STORE_TRAITS[plan.traits].contentMd5 || plan.windows.some(({ name }) => name === OLDER)) return plan;
  const clients = plan.clients.map((client, index) => {
    const isChosen = client.crashes.length > 0 && client.changeAfterMs === undefined && random.chance(share);
    if (!isChosen) return client;
    const own = { sizeBytes: random.int(3, 6) * 5 * MIB + random.int(1, 5 * MIB), isUniform: false };
    const names = { name: `edited${index}`, contentId: `content${200 + index}/0` };
    const isShared = random.chance(0.5) && isEditable(client.file);
    const file = isShared ? client.file : { ...own, ...names, lastModifiedEpochMs: 1_000_200 + index };
    return { ...client, editsWhileDead: true, file };
  });
  return { ...plan, clients };
}

function drawAnyPlan(random: Random, seed: number, killPoints: readonly string[]): Plan {
  const healsAtMs = random.int(2, 9) * MINUTE_MS;
  const dropsMetadata = random.chance(0.15);
  const point = killPoints[seed % killPoints.length];
  if (point === undefined) throw new RangeError('there is no point to be killed at');
  return {
    traits: random.pick(Object.keys(STORE_TRAITS) as StoreTraitsName[]),
    versioned: random.chance(0.3),
    quirks: {
      dropsMetadata,
      // A store that does both keeps nothing by which an object could be recognised.
      saltsEtags: !dropsMetadata && random.chance(0.25),
      keepsLateParts: random.chance(0.5),
      abortDestroys: random.chance(0.7),
    },
    replicaCount: random.int(1, 3),
    clients: drawClients(random, healsAtMs),
    rotators: [],
    hasVault: true,
    windows: [
      ...OFTEN.filter(() => random.chance(0.3)).map((name) => drawWindow(random, name, healsAtMs)),
      ...some(random, CHANCES, 4).map((name) => drawWindow(random, name, healsAtMs)),
      ...some(random, [...OUTAGES], 2).map((name) => drawOutage(random, name, healsAtMs)),
      ...drawOlder(random.fork('older'), healsAtMs),
    ],
    strokes: some(random, STROKES, 2).map((name) => ({ name, atMs: random.fraction() * healsAtMs })),
    killsAtMs: Array.from({ length: random.int(0, 2) }, () => random.fraction() * healsAtMs),
    kill: { point, occurrence: random.pick([1, 1, 1, 2, 3]) },
    hasOperator: random.chance(0.5),
    operatesAtMs: Array.from({ length: random.int(0, 2) }, () => random.fraction() * healsAtMs),
    idleLimitSeconds: random.pick([600, 1_800, 7_200]),
    patienceMs: random.pick([5, 5, 5, 25]) * MINUTE_MS,
    healsAtMs,
  };
}

function drawClients(random: Random, healsAtMs: number): ClientPlan[] {
  const files = Array.from({ length: random.int(1, 3) }, (_, index) => drawFile(random, index));
  const hints = Array.from({ length: 2 }, createHints);
  const clocks = random.fork('clocks');
  return Array.from({ length: random.int(2, 5) }, (_, index) => {
    const isChanging = random.chance(0.08);
    // Content that changes is nobody else's: what a fingerprint cannot tell is not looked at here.
    const file = isChanging ? drawFile(random, 100 + index) : random.pick(files);
    const crashes = Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => ({
      afterMs: Math.min(random.delayMs(20_000), 5 * MINUTE_MS),
      pauseMs: Math.min(random.delayMs(40_000), 5 * MINUTE_MS),
    }));
    return {
      name: `client${index + 1}`,
      owner: random.chance(0.8) ? 'alice' : 'bob',
      file: { ...file },
      hints: random.pick(hints),
      startMs: random.chance(0.4) ? random.fraction() * 200 : random.fraction() * healsAtMs * 0.6,
      concurrency: random.int(1, 4),
      resume: random.chance(0.9),
      crashes,
      abandons: crashes.length > 0 && random.chance(0.2),
      transferMs: random.pick([500, 2_000, 2_000, 110_000]),
      ...(random.chance(0.25) && { cancelAfterMs: random.delayMs(random.pick([1_000, 15_000])) }),
      ...(isChanging && { changeAfterMs: random.delayMs(8_000) }),
      clockErrorMs: clocks.pick([0, 0, DAY_MS, -DAY_MS]),
      ...(clocks.chance(0.3) && { sleepsAfterMs: clocks.delayMs(10_000) }),
    };
  });
}

function drawFile(random: Random, index: number): SimulatedFile {
  const remainderBytes = random.int(1, 5 * MIB);
  const sizeBytes = random.pick([
    random.int(0, 2_000),
    ...Array.from({ length: 2 }, () => 300 * 1024 + random.int(0, MIB)),
    ...Array.from({ length: 5 }, () => random.int(1, 6) * 5 * MIB + remainderBytes),
    random.int(2, 5) * 5 * MIB,
  ]);
  return {
    name: `file${index}`,
    sizeBytes,
    contentId: `content${index}/0`,
    isUniform: random.chance(0.25),
    lastModifiedEpochMs: 1_000_000 + index,
  };
}

function drawWindow(random: Random, name: FaultName, healsAtMs: number): FaultWindow {
  const fromMs = random.chance(0.5) ? 0 : random.fraction() * healsAtMs * 0.7;
  const untilMs = random.chance(0.5) ? healsAtMs : fromMs + random.fraction() * healsAtMs * 0.5;
  return { name, fromMs, untilMs, probability: random.pick([0.05, 0.2, 0.5, 0.8]) };
}

/** A fleet of two versions: any call may come to either. */
function drawOlder(random: Random, untilMs: number): FaultWindow[] {
  return random.chance(0.3)
    ? [{ name: OLDER, fromMs: 0, untilMs, probability: random.pick([0.3, 0.7, 1]) }]
    : [];
}

function drawOutage(random: Random, name: FaultName, healsAtMs: number): FaultWindow {
  const fromMs = random.fraction() * healsAtMs * 0.8;
  return { name, fromMs, untilMs: fromMs + random.int(5, 120) * 1000, probability: 1 };
}

/** From none to `most` of them, each once. */
function some<Item>(random: Random, items: readonly Item[], most: number): Item[] {
  const left = [...items];
  return Array.from({ length: random.int(most > 2 ? 2 : 0, most) }, () => {
    const [item] = left.splice(random.int(0, left.length - 1), 1);
    return item as Item;
  });
}

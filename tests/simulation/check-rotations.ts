import type { Catalog, RotationRecord, UploadRecord } from '@longhaul/coordinator';
import { UPLOAD_EVENT_TYPES } from '@longhaul/protocol';
import type { Rotator, ToldOfRotation } from './actors/rotator.ts';
import { idIn } from './engine/observer.ts';
import type { World } from './world.ts';

/** What checking rotations looks at. */
export type RotationOutcome = Pick<World, 'history' | 'rotations' | 'keyVault' | 's3'> & {
  readonly catalog: Catalog;
  readonly rotators: readonly Rotator[];
};

/** A node that was rotated, or was to be. */
interface Node {
  readonly row: UploadRecord;
  /** By generation. */
  readonly rotations: readonly RotationRecord[];
}

/** Looks at what rotations have left: one object for each node, as its row says, and an event for each that there was. */
export async function checkRotations(outcome: RotationOutcome): Promise<void> {
  const { rotations, catalog } = outcome;
  const nodes = new Map<string, Node>();
  for (const [uploadId, rotationIds] of rotations.begun) {
    const row = await catalog.find(uploadId);
    if (!row) continue;
    const found = [...rotationIds].map((rotationId) => catalog.rotations.find(uploadId, rotationId));
    const all = (await Promise.all(found)).flatMap((rotation) => rotation ?? []);
    const node = { row, rotations: all.toSorted((one, other) => one.generation - other.generation) };
    nodes.set(uploadId, node);
    checkNode(outcome, node);
  }
  checkKeys(outcome, nodes);
  for (const rotator of outcome.rotators)
    for (const told of rotator.told) checkTold(outcome, nodes.get(told.nodeId), rotator, told);
  for (const { row } of nodes.values()) checkRotatedEvents(outcome, row);
}

function checkNode(outcome: RotationOutcome, { row, rotations }: Node): void {
  const { history, s3 } = outcome;
  const { uploadId, s3Key, generation = 0, encryption } = row;
  const seal = s3.sealOf(s3Key);
  if (JSON.stringify(seal) !== JSON.stringify(encryption))
    history.violate(`${uploadId} is ${JSON.stringify(encryption)}, its object is ${JSON.stringify(seal)}`);
  for (const rotation of rotations) checkRotation(outcome, row, rotation);
  const current = rotations.find((one) => one.generation === generation);
  if (generation > 0 && current?.state !== 'DONE' && current?.state !== 'SWITCHED')
    history.violate(`${uploadId} is of generation ${generation}, whose rotation is ${current?.state}`);
}

function checkRotation(outcome: RotationOutcome, row: UploadRecord, rotation: RotationRecord): void {
  const { history, s3 } = outcome;
  const { s3Key: key, state, lastError = '', generation, sourceKey, deleteVersions } = rotation;
  const name = `rotation ${generation} of ${row.uploadId}`;
  if (isOpen(rotation)) {
    if (!isStuck(outcome, rotation)) history.violate(`${name} has not ended: ${state}, ${lastError}`);
    return;
  }
  if (rotation.nextAttemptAtEpochMs !== undefined) history.violate(`${name} has ended and is still due`);
  if (s3.listUploads(key).some((upload) => upload.key === key))
    history.violate(`${name} has left an upload open at the store`);
  if (state === 'FAILED') {
    if (s3.versionsOf(key) > 0) history.violate(`${name} has failed, and left its copy`);
    if (!history.doomed.has(idIn(key))) history.violate(`${name} has failed without a cause: ${lastError}`);
  } else if (deleteVersions && s3.versionsOf(sourceKey) > 0) {
    history.violate(`${name} has left a version of the object before`);
  } else if (s3.versionsOf(sourceKey) > 1) {
    history.violate(`${name} has left ${s3.versionsOf(sourceKey)} versions of the object before`);
  }
}

function isOpen({ state }: RotationRecord): boolean {
  return state !== 'DONE' && state !== 'FAILED';
}

/** Nobody has its keys but somebody who never asked again. */
function isStuck({ rotators, keyVault }: RotationOutcome, rotation: RotationRecord): boolean {
  const { rotationId, uploadId, generation, state, sourceEncryption, encryption } = rotation;
  const needed = [
    ...(sourceEncryption?.mode === 'sse-c' ? ['old'] : []),
    ...(encryption.mode === 'sse-c' ? ['new'] : []),
  ];
  const areKept = needed.every((which) => keyVault.has(`${uploadId}.${generation}:${which}`));
  const isGone = rotators.some(({ told }) =>
    told.some((one) => one.rotationId === rotationId && one.end === 'gone'),
  );
  return state !== 'SWITCHED' && isGone && !areKept;
}

/** No object stands where no row knows of it. */
function checkKeys({ history, s3 }: RotationOutcome, nodes: ReadonlyMap<string, Node>): void {
  for (const key of s3.keys()) {
    const id = idIn(key).split('.')[0] ?? '';
    const node = nodes.get(id);
    if (!node || !s3.head(key) || key === node.row.s3Key) continue;
    if (node.rotations.some((rotation) => isOpen(rotation) && rotation.s3Key === key)) continue;
    history.violate(`an object of ${id} stands at ${idIn(key)}, its row says ${idIn(node.row.s3Key)}`);
  }
  for (const { key } of s3.listUploads('')) {
    const node = nodes.get(idIn(key).split('.')[0] ?? '');
    if (!node || node.rotations.some((rotation) => isOpen(rotation) && rotation.s3Key === key)) continue;
    history.violate(`an upload is open at ${idIn(key)}, and no row knows of it`);
  }
}

function checkTold(
  outcome: RotationOutcome,
  node: Node | undefined,
  { plan }: Rotator,
  told: ToldOfRotation,
): void {
  const lie = lieIn(outcome, node, told);
  if (lie !== undefined)
    outcome.history.violate(`${plan.name} was told ${told.end} ${told.code ?? ''} of ${told.nodeId}: ${lie}`);
}

/** What is untrue in what a rotator was told. */
function lieIn(outcome: RotationOutcome, node: Node | undefined, told: ToldOfRotation): string | undefined {
  const { end, code = '' } = told;
  if (end === 'done') return lieInStatus(outcome, node, told);
  const all = node?.rotations ?? [];
  const isTrue = {
    gone: true,
    'gave up': false,
    refused: IS_TRUE_REFUSAL.test(code),
    // Who wants the same as a rival is answered for the rotation of that one.
    failed: all.some(({ state }) => state === 'FAILED'),
  }[end];
  return isTrue ? undefined : `they are ${all.map(({ state }) => state).join(', ')}`;
}

function lieInStatus(
  { rotations }: RotationOutcome,
  node: Node | undefined,
  { nodeId, status }: ToldOfRotation,
): string | undefined {
  const rotation = node?.rotations.find((one) => one.rotationId === status?.rotationId);
  const known = rotations.switches.get(nodeId)?.find((one) => one.generation === status?.generation);
  if (rotation?.state !== 'DONE' || !known) return `it is ${rotation?.state}`;
  const { result } = status ?? {};
  if (!result) return undefined;
  const isTrue = result.key === known.s3Key && result.etag === known.etag;
  return isTrue ? undefined : `${result.etag}, it was switched to ${known.etag}`;
}

/** A rival was faster: this rotation never was, or its key is of another time. */
const IS_TRUE_REFUSAL = /^(rotation-open|customer-key-mismatch|customer-key-needed)$/;

function checkRotatedEvents({ history, rotations }: RotationOutcome, { uploadId }: UploadRecord): void {
  const all = history.events.get(uploadId) ?? [];
  const told = new Map(
    all.flatMap((event) => (event.type === UPLOAD_EVENT_TYPES.rotated ? [[event.id, event.data]] : [])),
  );
  const words = [...told.values()].map(({ generation, key, etag }) => `${generation} ${key} ${etag}`);
  const switched = (rotations.switches.get(uploadId) ?? []).map(
    ({ generation, s3Key, etag }) => `${generation} ${s3Key} ${etag}`,
  );
  if (JSON.stringify(words) !== JSON.stringify(switched))
    history.violate(`${uploadId} was switched ${switched.join(', ')}; the events say ${words.join(', ')}`);
}

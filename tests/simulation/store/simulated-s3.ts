import type { Encryption } from '@longhaul/protocol';
import type {
  CopySource,
  MultipartRef,
  NewObject,
  OpenMultipart,
  StoreProfile,
  StoredObject,
  StoredPart,
} from '@longhaul/coordinator';
import { type Content, identityOf, md5Of, sizeOf, sliceOf } from './content.ts';
import { type PresignedRequest, readPresigned } from './presigned.ts';
import { S3Refusal } from './s3-refusal.ts';
import { assertOpens, customerKeyIn, makesMd5Etags, sealFor, sealIn } from './seal.ts';

/** What real stores were seen to do, off unless asked for. */
export interface StoreQuirks {
  /** CreateMultipartUpload forgets the metadata. */
  readonly dropsMetadata?: boolean;
  /** Equal bytes get another ETag each time, as under SSE-KMS. */
  readonly saltsEtags?: boolean;
  /** A part that was on its way when the upload was aborted is stored, and the upload is open again. */
  readonly keepsLateParts?: boolean;
  /** Abort during Complete answers success to both, and the object is destroyed at garbage collection. */
  readonly abortDestroys?: boolean;
}

/** What a store is made of. */
export interface SimulatedS3Options {
  readonly traits: StoreProfile;
  readonly versioned: boolean;
  readonly quirks?: StoreQuirks;
  readonly nowEpochMs: () => number;
  readonly randomUuid: () => string;
  /** Told of every object that appears. */
  readonly onObject?: (key: string) => void;
  /** Told of every part that is stored. */
  readonly onPart?: (key: string) => void;
  /** Whether the store loses a part of the object that it builds now. */
  readonly losesPart?: (key: string) => boolean;
  /** Told whenever one of the quirks shows. */
  readonly onQuirk?: (quirk: keyof StoreQuirks) => void;
}

/** One thing that takes time at the store: it is let in, and it is done later. */
export interface Work<Result> {
  /** @throws S3Refusal */
  finish(): Result;
  /** It was done before: this only tells again what came of it. */
  readonly isRepetition?: boolean;
}

/** Answer to a PUT or a Complete. */
export interface Written {
  readonly etag: string;
  readonly versionId?: string;
}

/** Which parts an object is to be made of, and on what condition. */
export interface CompleteRequest extends MultipartRef {
  readonly parts: readonly { readonly partNumber: number; readonly etag: string }[];
  readonly sizeBytes: number;
  readonly ifNoneMatch: boolean;
}

/** A part that is made of a stretch of another object. */
export interface PartCopyRequest extends MultipartRef {
  readonly partNumber: number;
  readonly source: CopySource;
  readonly range: { readonly start: number; readonly end: number };
  readonly customerKey?: NewObject['customerKey'];
}

/** An object whose bytes the garbage collection of real stores takes this long to destroy. */
const GARBAGE_AFTER_MS = 2 * 3600 * 1000;

/** Smallest part that is not the last. */
const MIN_PART_BYTES = 5 * 1024 ** 2;

interface Part extends Written {
  readonly content: Content;
  readonly sizeBytes: number;
  readonly lastModifiedEpochMs: number;
}

interface Upload {
  readonly s3UploadId: string;
  readonly object: NewObject;
  readonly initiatedAtEpochMs: number;
  readonly parts: Map<number, Part>;
  /** Completes at work. */
  building: number;
  /** When somebody aborted it while it was being built. */
  abortedAtEpochMs?: number;
}

interface Version extends Written {
  readonly object: NewObject;
  readonly content: Content;
  readonly lastModifiedEpochMs: number;
  readonly isDeleteMarker: boolean;
  destroyedAtEpochMs?: number;
}

/** What became of an upload that is not open any more. */
interface Ended {
  readonly upload: Upload;
  /** Left out when it was aborted. */
  readonly completed?: { readonly list: string; readonly written: Written };
}

/** One bucket. Everything here happens at once; what takes time comes in two steps, as {@link Work}. */
export interface SimulatedS3 {
  readonly traits: StoreProfile;
  createUpload(object: NewObject): string;
  /** Lets a PUT to a presigned URL in. @throws S3Refusal */
  beginPut(request: PresignedRequest, content: Content): Work<Written>;
  putObject(object: NewObject, content: Content, ifNoneMatch: boolean): Written;
  /** Lets an UploadPartCopy in. @throws S3Refusal */
  beginPartCopy(request: PartCopyRequest): Work<Written>;
  /** Lets a Complete in. @throws S3Refusal */
  beginComplete(request: CompleteRequest): Work<Written>;
  /** @throws S3Refusal `NoSuchUpload` */
  abort(ref: MultipartRef): void;
  listParts(ref: MultipartRef): readonly StoredPart[] | undefined;
  listUploads(prefix: string): readonly OpenMultipart[];
  /** Open uploads with what no listing tells: whether a Complete is at work on them. */
  openUploads(): readonly (MultipartRef & { readonly isBuilding: boolean })[];
  /** What stands at a key, whoever may see it. */
  head(key: string, versionId?: string): StoredObject | undefined;
  /** How that is encrypted. */
  sealOf(key: string, versionId?: string): Encryption | undefined;
  delete(key: string, versionId?: string): void;
  deleteAll(key: string): void;
  /** What a presigned GET reads, whatever its range. @throws S3Refusal */
  get(request: Pick<PresignedRequest, 'url' | 'headers'>): Content;
  /** What a GET would read: nothing, where the bytes were destroyed although HEAD still shows the object. */
  read(key: string): Content | undefined;
  /** Every version of every key, delete markers left out. */
  versionsOf(key: string): number;
  keys(): readonly string[];
}

/** An empty bucket. */
export function createSimulatedS3(options: SimulatedS3Options): SimulatedS3 {
  const { traits, versioned, quirks = {}, nowEpochMs, randomUuid } = options;
  const uploads = new Map<string, Upload>();
  const ended = new Map<string, Ended>();
  const objects = new Map<string, Version[]>();
  let salt = 0;

  const etagOf = (content: Content, seal: Encryption | undefined): string =>
    quirks.saltsEtags || !makesMd5Etags(seal)
      ? `"${md5Of(content).slice(0, 24)}${(salt++).toString(16).padStart(8, '0')}"`
      : `"${md5Of(content)}"`;
  const newest = (key: string): Version | undefined => {
    const version = objects.get(key)?.at(-1);
    return version?.isDeleteMarker ? undefined : version;
  };
  const put = (begun: NewObject, content: Content, etag: string): Version => {
    const { customerKey: _, ...object } = begun;
    const version: Version = {
      object,
      content,
      etag,
      ...(versioned && { versionId: randomUuid() }),
      lastModifiedEpochMs: nowEpochMs(),
      isDeleteMarker: false,
    };
    objects.set(object.key, versioned ? [...(objects.get(object.key) ?? []), version] : [version]);
    options.onObject?.(object.key);
    return version;
  };
  const putUnlessThere = (object: NewObject, content: Content, ifNoneMatch: boolean): Written => {
    if (ifNoneMatch && traits.putIfNoneMatch && newest(object.key))
      throw new S3Refusal(412, 'PreconditionFailed');
    return writtenOf(put(object, content, etagOf(content, sealFor(object))));
  };
  const storePart = (upload: Upload, partNumber: number, content: Content): Written => {
    const part = {
      content,
      etag: etagOf(content, upload.object.encryption),
      sizeBytes: sizeOf(content),
      lastModifiedEpochMs: nowEpochMs(),
    };
    const before = upload.parts.get(partNumber);
    if (quirks.saltsEtags && before && isSameContent(before.content, content))
      options.onQuirk?.('saltsEtags');
    upload.parts.set(partNumber, part);
    options.onPart?.(upload.object.key);
    return { etag: part.etag };
  };
  const gone = (): S3Refusal =>
    traits.unknownUploadIs404 ? new S3Refusal(404, 'NoSuchUpload') : new S3Refusal(500, 'InternalError');
  const find = ({ key, s3UploadId }: MultipartRef): Upload | undefined => {
    const upload = uploads.get(s3UploadId);
    return upload?.object.key === key ? upload : undefined;
  };

  const sourceOf = ({ key, versionId, etag, customerKey }: CopySource): Version => {
    const versions = objects.get(key) ?? [];
    const found = versionId === undefined ? newest(key) : versions.find((one) => one.versionId === versionId);
    if (!found || found.isDeleteMarker) throw new S3Refusal(404, 'NoSuchKey');
    const isMeant = etag === undefined || etag === found.etag || traits.copyIgnores?.includes('if-match');
    if (!isMeant) throw new S3Refusal(412, 'PreconditionFailed');
    assertOpens(found.object.encryption, customerKey);
    return found;
  };

  const seen = (key: string, versionId?: string): Version | undefined => {
    const version =
      versionId === undefined ? newest(key) : objects.get(key)?.find((one) => one.versionId === versionId);
    return version?.isDeleteMarker ? undefined : version;
  };
  const finishPart = (ref: MultipartRef, partNumber: number, content: Content): Written => {
    const open = find(ref);
    if (open) return storePart(open, partNumber, content);
    const before = ended.get(ref.s3UploadId);
    if (!before || before.completed || !quirks.keepsLateParts) throw new S3Refusal(404, 'NoSuchUpload');
    options.onQuirk?.('keepsLateParts');
    const reopened = { ...before.upload, parts: new Map<number, Part>(), building: 0 };
    ended.delete(ref.s3UploadId);
    uploads.set(ref.s3UploadId, reopened);
    return storePart(reopened, partNumber, content);
  };

  const joinedEtagOf = ({ encryption }: NewObject, parts: readonly Part[]): string =>
    quirks.saltsEtags || !makesMd5Etags(encryption)
      ? `"${randomUuid()}-${parts.length}"`
      : wholeEtagOf(parts);
  const finishComplete = (upload: Upload, request: CompleteRequest, parts: readonly Part[]): Written => {
    upload.building--;
    const { object, s3UploadId, abortedAtEpochMs } = upload;
    const before = ended.get(s3UploadId);
    if (before?.completed) return before.completed.written;
    if (before) throw gone();
    const isTaken = request.ifNoneMatch && traits.completeIfNoneMatch && newest(object.key);
    if (isTaken) throw new S3Refusal(412, 'PreconditionFailed');
    const isShort = parts.length > 1 && options.losesPart?.(object.key) === true;
    const content = parts.slice(isShort ? 1 : 0).flatMap((part) => part.content);
    const version = put(object, content, joinedEtagOf(object, parts));
    if (abortedAtEpochMs !== undefined) version.destroyedAtEpochMs = abortedAtEpochMs + GARBAGE_AFTER_MS;
    uploads.delete(s3UploadId);
    ended.set(s3UploadId, { upload, completed: { list: listOf(request), written: writtenOf(version) } });
    return writtenOf(version);
  };

  return {
    traits,
    createUpload(begun) {
      sealFor(begun);
      const { customerKey: _, ...object } = begun;
      const s3UploadId = randomUuid().replaceAll('-', '');
      if (quirks.dropsMetadata) options.onQuirk?.('dropsMetadata');
      const kept = quirks.dropsMetadata ? { ...object, metadata: {} } : object;
      uploads.set(s3UploadId, {
        s3UploadId,
        object: kept,
        initiatedAtEpochMs: nowEpochMs(),
        parts: new Map(),
        building: 0,
      });
      return s3UploadId;
    },
    beginPut(request, content) {
      const { key, part, headers } = readPresigned(request, nowEpochMs(), traits.refusesUnsignedHeaders);
      if (part && !find({ key, ...part })) throw new S3Refusal(404, 'NoSuchUpload');
      return {
        finish() {
          const md5 = headers['content-md5'];
          const isDamaged =
            md5 !== undefined && md5 !== Buffer.from(md5Of(content), 'hex').toString('base64');
          if (isDamaged && traits.contentMd5) throw new S3Refusal(400, 'BadDigest');
          if (!part) return putUnlessThere(objectOf(key, headers), content, headers['if-none-match'] === '*');
          assertOpens(find({ key, ...part })?.object.encryption, customerKeyIn(headers));
          return finishPart({ key, ...part }, part.partNumber, content);
        },
      };
    },
    get(given) {
      const request = { ...given, method: 'GET', sizeBytes: 0 } as const;
      const { headers, ...place } = readPresigned(request, nowEpochMs(), traits.refusesUnsignedHeaders);
      const etag = headers['if-match'];
      const customerKey = customerKeyIn(headers);
      const found = sourceOf({ ...place, ...(customerKey && { customerKey }) });
      if (etag !== undefined && etag !== found.etag) throw new S3Refusal(412, 'PreconditionFailed');
      return found.content;
    },
    putObject: putUnlessThere,
    beginPartCopy({ source, range, partNumber, customerKey, ...ref }) {
      const content = sliceOf(sourceOf(source).content, range.start, range.end);
      const upload = find(ref);
      if (!upload) throw new S3Refusal(404, 'NoSuchUpload');
      assertOpens(upload.object.encryption, customerKey);
      return { finish: () => finishPart(ref, partNumber, content) };
    },
    beginComplete(request) {
      const upload = find(request);
      const before = ended.get(request.s3UploadId)?.completed;
      if (!upload) {
        if (before && traits.completeIdempotent && before.list === listOf(request))
          return { finish: () => before.written, isRepetition: true };
        throw gone();
      }
      const parts = chooseParts(upload, request, traits);
      upload.building++;
      return { finish: () => finishComplete(upload, request, parts) };
    },
    abort(ref) {
      const upload = find(ref);
      if (!upload) throw new S3Refusal(404, 'NoSuchUpload');
      if (upload.building > 0 && quirks.abortDestroys) {
        options.onQuirk?.('abortDestroys');
        upload.abortedAtEpochMs = nowEpochMs();
        return;
      }
      uploads.delete(ref.s3UploadId);
      ended.set(ref.s3UploadId, { upload });
    },
    listParts(ref) {
      const upload = find(ref);
      return upload && [...upload.parts].toSorted(([one], [other]) => one - other).map(toStoredPart);
    },
    listUploads: (prefix) =>
      [...uploads.values()]
        .filter(({ object }) => object.key.startsWith(prefix))
        .toSorted((one, other) =>
          one.object.key < other.object.key ? -1 : one.object.key > other.object.key ? 1 : 0,
        )
        .map(({ s3UploadId, object, initiatedAtEpochMs }) => ({
          key: object.key,
          s3UploadId,
          initiatedAtEpochMs,
        })),
    openUploads: () =>
      [...uploads.values()].map(({ s3UploadId, object, building }) => ({
        key: object.key,
        s3UploadId,
        isBuilding: building > 0,
      })),
    head(key, versionId) {
      const version = seen(key, versionId);
      return version && toStoredObject(version);
    },
    sealOf: (key, versionId) => seen(key, versionId)?.object.encryption,
    delete(key, versionId) {
      const versions = objects.get(key) ?? [];
      if (versionId !== undefined)
        objects.set(
          key,
          versions.filter((one) => one.versionId !== versionId),
        );
      else if (!versioned) objects.delete(key);
      else if (newest(key)) objects.set(key, [...versions, deleteMarker(key, randomUuid(), nowEpochMs())]);
    },
    deleteAll: (key) => void objects.delete(key),
    read(key) {
      const version = newest(key);
      const isDestroyed = (version?.destroyedAtEpochMs ?? Infinity) <= nowEpochMs();
      return isDestroyed ? undefined : version?.content;
    },
    versionsOf: (key) => (objects.get(key) ?? []).filter((version) => !version.isDeleteMarker).length,
    keys: () => [...objects.keys()],
  };
}

/** The parts of a Complete, or what is wrong with them. */
function chooseParts(upload: Upload, request: CompleteRequest, traits: StoreProfile): readonly Part[] {
  const numbers = request.parts.map((part) => part.partNumber);
  const isAscending = numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
  if (!isAscending && traits.refusesPartOrder) throw new S3Refusal(400, 'InvalidPartOrder');
  if (numbers.length === 0) throw new S3Refusal(400, 'MalformedXML');
  const wanted = request.parts.toSorted((one, other) => one.partNumber - other.partNumber);
  const parts = wanted.map(({ partNumber, etag }) => {
    const part = upload.parts.get(partNumber);
    if (part?.etag !== etag) throw new S3Refusal(400, 'InvalidPart');
    return part;
  });
  if (parts.slice(0, -1).some((part) => part.sizeBytes < MIN_PART_BYTES))
    throw new S3Refusal(400, 'EntityTooSmall');
  const isEqual = parts.slice(0, -1).every((part) => part.sizeBytes === parts[0]?.sizeBytes);
  if (traits.equalParts && !isEqual) throw new S3Refusal(400, 'InvalidPart');
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (traits.verifiesObjectSize && sizeBytes !== request.sizeBytes)
    throw new S3Refusal(400, 'InvalidRequest');
  return parts;
}

/** As S3 makes it: the MD5 of the parts' MD5s, and their number. */
function wholeEtagOf(parts: readonly Part[]): string {
  const md5s = Buffer.from(parts.map(({ etag }) => etag.slice(1, -1)).join(''), 'hex');
  return `"${md5Of([{ kind: 'bytes', bytes: md5s }])}-${parts.length}"`;
}

function listOf({ parts }: CompleteRequest): string {
  return parts.map((part) => `${part.partNumber} ${part.etag}`).join();
}

function writtenOf({ etag, versionId }: Version): Written {
  return { etag, ...(versionId !== undefined && { versionId }) };
}

function toStoredPart([partNumber, part]: [number, Part]): StoredPart {
  const { sizeBytes, etag, lastModifiedEpochMs } = part;
  return { partNumber, sizeBytes, etag, lastModifiedEpochMs };
}

function toStoredObject({ object, content, etag, versionId, lastModifiedEpochMs }: Version): StoredObject {
  return {
    etag,
    sizeBytes: sizeOf(content),
    ...(versionId !== undefined && { versionId }),
    contentType: object.contentType,
    metadata: object.metadata,
    lastModifiedEpochMs,
    ...(object.encryption && { encryption: object.encryption.mode }),
  };
}

function deleteMarker(key: string, versionId: string, nowEpochMs: number): Version {
  return {
    object: { key, contentType: '', metadata: {} },
    content: [],
    etag: '',
    versionId,
    lastModifiedEpochMs: nowEpochMs,
    isDeleteMarker: true,
  };
}

const META = 'x-amz-meta-';

function objectOf(key: string, headers: Readonly<Record<string, string>>): NewObject {
  const metadata = Object.entries(headers)
    .filter(([name]) => name.startsWith(META))
    .map(([name, value]) => [name.slice(META.length), value]);
  return {
    key,
    contentType: headers['content-type'] ?? 'binary/octet-stream',
    metadata: Object.fromEntries(metadata) as Record<string, string>,
    ...sealIn(headers),
  };
}

/** Whether two contents are the same bytes. */
export function isSameContent(one: Content, other: Content): boolean {
  return identityOf(one) === identityOf(other);
}

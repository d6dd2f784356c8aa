import {
  type BatchCompleteResponse,
  type BatchCreateResponse,
  type Checksum,
  type CreateUploadResponse,
  type Grant,
  type LimitsResponse,
  type OpenPlan,
  type PartPlan,
  type PartsResponse,
  type Problem,
  PROBLEM_STATUS,
  type ReceivedPart,
  type RotationCopy,
  type RotationStatus,
  type StoreCall,
  type UploadLimits,
  type UploadResult,
  type UploadStatus,
} from '@longhaul/protocol';
import { answerOf, type JsonSchema, optional } from './json-schema.ts';

const text: JsonSchema = { type: 'string' };
const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const positive: JsonSchema = { type: 'integer', minimum: 1 };
const yesOrNo: JsonSchema = { type: 'boolean' };
const texts: JsonSchema = { type: 'object', additionalProperties: text };
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });
const oneOf = (...values: readonly string[]): JsonSchema => ({ enum: values });

/** Of a component. */
export const ref = (name: keyof typeof ANSWERS): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const algorithm = oneOf('CRC32', 'CRC32C', 'CRC64NVME', 'MD5');
const rule = { partSizeBytes: positive, doubleEvery: optional(positive) };

const limits = {
  recommended_chunk_size: positive,
  min_chunk_size: positive,
  max_chunk_size: positive,
  max_chunks: positive,
};

const encryption: JsonSchema = answerOf<{ mode: string; kmsKeyId?: string }>({
  mode: oneOf('sse-s3', 'sse-kms', 'sse-c'),
  kmsKeyId: optional(text),
});

const status = {
  uploadId: uuid,
  nodeId: uuid,
  state: oneOf(
    'PENDING',
    'UPLOADING',
    'COMPLETING',
    'COMPLETED',
    'ABORTING',
    'CANCELLED',
    'EXPIRED',
    'FAILED',
  ),
  mode: oneOf('inline', 'single', 'multipart'),
  plan: { anyOf: [{ $ref: '#/components/schemas/PartPlan' }, { $ref: '#/components/schemas/OpenPlan' }] },
  createdAtEpochMs: count,
  receivedParts: listOf({ $ref: '#/components/schemas/ReceivedPart' }),
  result: optional({ $ref: '#/components/schemas/UploadResult' }),
  lastError: optional(text),
};

const presigned = { url: { type: 'string', format: 'uri' }, headers: texts, expiresInSeconds: positive };

const working: JsonSchema = answerOf<{ state: 'COMPLETING' | 'ABORTING'; retryAfterSeconds: number }>({
  state: oneOf('COMPLETING', 'ABORTING'),
  retryAfterSeconds: positive,
});

const completed: JsonSchema = answerOf<{ state: 'COMPLETED'; result: UploadResult }>({
  state: oneOf('COMPLETED'),
  result: { $ref: '#/components/schemas/UploadResult' },
});

const batchOf = (value: JsonSchema): JsonSchema =>
  answerOf<BatchCreateResponse | BatchCompleteResponse>({
    uploads: listOf({
      oneOf: [
        answerOf<{ ok: true; value: unknown }>({ ok: { const: true }, value }),
        answerOf<{ ok: false; problem: Problem }>({
          ok: { const: false },
          problem: { $ref: '#/components/schemas/Problem' },
        }),
      ],
    }),
  });

/** What the server answers, by the names of the protocol's types. */
export const ANSWERS = {
  Checksum: answerOf<Checksum>({ algorithm, value: text }),
  PartPlan: answerOf<PartPlan>({ ...rule, sizeBytes: count, partCount: positive }),
  OpenPlan: answerOf<OpenPlan>({
    ...rule,
    sizeBytes: { type: 'null' },
    maxSizeBytes: count,
    maxPartCount: positive,
  }),
  Grant: answerOf<Grant>({ ...presigned, partNumber: positive }),
  StoreCall: answerOf<StoreCall>({ ...presigned, method: oneOf('GET', 'POST') }),
  ReceivedPart: answerOf<ReceivedPart>({
    partNumber: positive,
    sizeBytes: count,
    checksum: optional({ $ref: '#/components/schemas/Checksum' }),
  }),
  UploadResult: answerOf<UploadResult>({
    uploadId: uuid,
    nodeId: uuid,
    bucket: text,
    key: text,
    etag: text,
    versionId: optional(text),
    location: { type: 'string', format: 'uri' },
    sizeBytes: count,
    partCount: positive,
    proof: oneOf('size', 'checksum'),
    checksum: optional({ $ref: '#/components/schemas/Checksum' }),
    encryption: optional(encryption),
    completedAtEpochMs: count,
  }),
  RotationStatus: answerOf<RotationStatus>({
    rotationId: uuid,
    nodeId: uuid,
    state: oneOf('PENDING', 'COPYING', 'SWITCHED', 'DONE', 'FAILED'),
    encryption,
    generation: positive,
    sizeBytes: count,
    partCount: positive,
    copyByClient: optional({ const: true }),
    copiedPartCount: count,
    copiedBytes: count,
    createdAtEpochMs: count,
    result: optional({ $ref: '#/components/schemas/UploadResult' }),
    retryAfterSeconds: optional(positive),
    lastError: optional(text),
  }),
  RotationCopy: answerOf<RotationCopy>({
    source: { $ref: '#/components/schemas/StoreCall' },
    plan: { $ref: '#/components/schemas/PartPlan' },
    openingCall: optional({ $ref: '#/components/schemas/StoreCall' }),
    receivedParts: optional(listOf({ $ref: '#/components/schemas/ReceivedPart' })),
    grants: listOf({ $ref: '#/components/schemas/Grant' }),
    digest: optional(
      answerOf<NonNullable<RotationCopy['digest']>>({
        algorithm,
        partSizeBytes: optional(positive),
      }),
    ),
  }),
  UploadStatus: answerOf<UploadStatus>(status),
  CreateUploadResponse: answerOf<CreateUploadResponse>({
    ...status,
    limits: { $ref: '#/components/schemas/UploadLimits' },
    token: text,
    tokenExpiresInSeconds: positive,
    resumed: yesOrNo,
    grants: listOf({ $ref: '#/components/schemas/Grant' }),
    checksumAlgorithm: optional(algorithm),
    openingCall: optional({ $ref: '#/components/schemas/StoreCall' }),
    mustFinishByEpochMs: optional(count),
  }),
  PartsResponse: answerOf<PartsResponse>({
    receivedCount: count,
    grants: listOf({ $ref: '#/components/schemas/Grant' }),
    token: optional(text),
  }),
  CompletedResponse: completed,
  WorkingResponse: working,
  CancelResponse: {
    anyOf: [
      answerOf<{ state: string }>({ state: oneOf('CANCELLED', 'EXPIRED', 'FAILED') }),
      { $ref: '#/components/schemas/CompletedResponse' },
    ],
  },
  BatchCreateResponse: batchOf({ $ref: '#/components/schemas/CreateUploadResponse' }),
  BatchCompleteResponse: batchOf({
    anyOf: [
      { $ref: '#/components/schemas/CompletedResponse' },
      { $ref: '#/components/schemas/WorkingResponse' },
    ],
  }),
  UploadLimits: answerOf<UploadLimits>(limits),
  LimitsResponse: answerOf<LimitsResponse>({
    ...limits,
    plan: optional({ $ref: '#/components/schemas/PartPlan' }),
  }),
  Problem: answerOf<Problem>({
    type: text,
    title: text,
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: oneOf(...Object.keys(PROBLEM_STATUS)),
    detail: text,
    uploadId: optional(text),
    missingParts: optional(listOf(positive)),
    s3Code: optional(text),
    requestId: optional(text),
    retryAfterSeconds: optional(positive),
  }),
} satisfies Record<string, JsonSchema>;

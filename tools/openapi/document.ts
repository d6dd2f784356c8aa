import { MAX_BATCH_ITEMS, PROBLEM_STATUS, type ProblemCode, TOKEN_HEADER } from '@longhaul/protocol';
import {
  batchCompleteRequestSchema,
  completeCallSchema,
  completeRequestSchema,
  createUploadRequestSchema,
  openRequestSchema,
  partsCallSchema,
  partsRequestSchema,
  rotateRequestSchema,
  rotationCopyRequestSchema,
} from '@longhaul/protocol/schemas';
import { ANSWERS, ref } from './answers.ts';
import { type JsonSchema, requestOf } from './json-schema.ts';

/** What requests say, by names of their own. */
const REQUESTS = {
  CreateUploadRequest: requestOf(createUploadRequestSchema),
  BatchCreateRequest: {
    type: 'object',
    properties: {
      uploads: {
        type: 'array',
        items: { $ref: '#/components/schemas/CreateUploadRequest' },
        minItems: 1,
        maxItems: MAX_BATCH_ITEMS,
      },
    },
    required: ['uploads'],
    additionalProperties: false,
  },
  BatchCompleteRequest: requestOf(batchCompleteRequestSchema),
  OpenRequest: requestOf(openRequestSchema),
  PartsRequest: requestOf(partsRequestSchema),
  RotateRequest: requestOf(rotateRequestSchema),
  RotationCopyRequest: requestOf(rotationCopyRequestSchema),
  PartsCall: requestOf(partsCallSchema),
  CompleteRequest: requestOf(completeRequestSchema),
  CompleteCall: requestOf(completeCallSchema),
} satisfies Record<string, JsonSchema>;

interface Call {
  readonly operationId: string;
  readonly summary: string;
  /** Answers that are no refusal, by their status. */
  readonly answers: Readonly<Record<number, keyof typeof ANSWERS>>;
  readonly body?: keyof typeof REQUESTS;
  readonly bodyMayBeLeftOut?: true;
  /** Who has to be shown: the application's own way, the upload's token, or nobody (or a token in the body). */
  readonly security?: 'application' | 'uploadToken';
  readonly parameters?: readonly JsonSchema[];
}

const uploadId: JsonSchema = {
  name: 'uploadId',
  in: 'path',
  required: true,
  schema: { type: 'string', format: 'uuid' },
};

const nodeId: JsonSchema = { ...uploadId, name: 'nodeId' };

const COMPLETION = { 200: 'CompletedResponse', 202: 'WorkingResponse' } as const;

const CALLS: Readonly<Record<string, Readonly<Partial<Record<'get' | 'post' | 'delete', Call>>>>> = {
  '/v1/uploads': {
    post: {
      operationId: 'createUpload',
      summary: 'Begins an upload, or finds the one that the same createId or the same content began.',
      body: 'CreateUploadRequest',
      security: 'application',
      answers: { 201: 'CreateUploadResponse' },
    },
  },
  '/v1/uploads/batch': {
    post: {
      operationId: 'createUploads',
      summary: 'Begins several uploads; each succeeds or is refused by itself.',
      body: 'BatchCreateRequest',
      security: 'application',
      answers: { 200: 'BatchCreateResponse' },
    },
  },
  '/v1/uploads/batch/complete': {
    post: {
      operationId: 'completeUploads',
      summary: 'Completes several uploads; each succeeds or is refused by itself.',
      body: 'BatchCompleteRequest',
      answers: { 200: 'BatchCompleteResponse' },
    },
  },
  '/v1/uploads/parts': {
    post: {
      operationId: 'exchangePartsByToken',
      summary: 'Reports stored parts and asks for URLs of others; the token travels in the body.',
      body: 'PartsCall',
      answers: { 200: 'PartsResponse' },
    },
  },
  '/v1/uploads/complete': {
    post: {
      operationId: 'completeUploadByToken',
      summary: 'Completes an upload; the token travels in the body.',
      body: 'CompleteCall',
      answers: COMPLETION,
    },
  },
  '/v1/uploads/{uploadId}': {
    get: {
      operationId: 'getUpload',
      summary: 'Where an upload stands.',
      security: 'uploadToken',
      parameters: [uploadId],
      answers: { 200: 'UploadStatus' },
    },
    delete: {
      operationId: 'cancelUpload',
      summary: 'Ends an upload for good.',
      security: 'uploadToken',
      parameters: [uploadId],
      answers: { 200: 'CancelResponse', 202: 'WorkingResponse' },
    },
  },
  '/v1/uploads/{uploadId}/open': {
    post: {
      operationId: 'openUpload',
      summary: 'Tells what the store has answered to the call that opened the upload there.',
      body: 'OpenRequest',
      security: 'uploadToken',
      parameters: [uploadId],
      answers: { 200: 'CreateUploadResponse' },
    },
  },
  '/v1/uploads/{uploadId}/parts': {
    post: {
      operationId: 'exchangeParts',
      summary: 'Reports stored parts and asks for URLs of others; either list may be empty.',
      body: 'PartsRequest',
      security: 'uploadToken',
      parameters: [uploadId],
      answers: { 200: 'PartsResponse' },
    },
  },
  '/v1/uploads/{uploadId}/complete': {
    post: {
      operationId: 'completeUpload',
      summary: 'Builds the object and proves it; 202 when the store is still at work.',
      body: 'CompleteRequest',
      bodyMayBeLeftOut: true,
      security: 'uploadToken',
      parameters: [uploadId],
      answers: COMPLETION,
    },
  },
  '/v1/objects/{nodeId}/rotate': {
    post: {
      operationId: 'rotateObject',
      summary: 'Gives a complete object another encryption; 202 when the store is still at work.',
      body: 'RotateRequest',
      security: 'application',
      parameters: [nodeId],
      answers: { 200: 'RotationStatus', 202: 'RotationStatus' },
    },
  },
  '/v1/objects/{nodeId}/rotation': {
    get: {
      operationId: 'getRotation',
      summary: 'How the newest rotation of an object stands.',
      security: 'application',
      parameters: [nodeId],
      answers: { 200: 'RotationStatus' },
    },
  },
  '/v1/objects/{nodeId}/rotation/copy': {
    post: {
      operationId: 'copyByClient',
      summary: 'URLs for a client that streams an object to its new key, because the store cannot copy it.',
      body: 'RotationCopyRequest',
      security: 'application',
      parameters: [nodeId],
      answers: { 200: 'RotationCopy' },
    },
  },
  '/v1/limits': {
    get: {
      operationId: 'getLimits',
      summary: 'What the server recommends and allows, and how a file of a size would be cut.',
      parameters: [{ name: 'size', in: 'query', schema: { type: 'integer', minimum: 0 } }],
      answers: { 200: 'LimitsResponse' },
    },
  },
};

/** The HTTP calls as OpenAPI 3.1, from the schemas by which the server checks them. */
export function openApiDocument(): JsonSchema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Longhaul coordinator',
      version: '1',
      description: 'Decides, signs and remembers; the bytes go to S3 on the URLs that it answers.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:8787' }],
    paths: Object.fromEntries(
      Object.entries(CALLS).map(([path, calls]) => [
        path,
        Object.fromEntries(Object.entries(calls).map(([method, call]) => [method, operationOf(call)])),
      ]),
    ),
    components: {
      schemas: { ...REQUESTS, ...ANSWERS },
      securitySchemes: {
        application: {
          type: 'http',
          scheme: 'bearer',
          description: 'Whatever the authorize hook of the server reads; nothing on a server of one machine.',
        },
        uploadToken: { type: 'apiKey', in: 'header', name: TOKEN_HEADER },
      },
      responses: {
        Problem: {
          description: `A refusal: ${Object.keys(PROBLEM_STATUS).length} codes, see docs/problems.md.`,
          content: { 'application/problem+json': { schema: ref('Problem') } },
        },
      },
    },
  };
}

function operationOf(call: Call): JsonSchema {
  const { operationId, summary, body, bodyMayBeLeftOut, security, parameters, answers } = call;
  return {
    operationId,
    summary,
    ...(security && {
      security: security === 'application' ? [{ application: [] }, {}] : [{ uploadToken: [] }],
    }),
    ...(parameters && { parameters }),
    ...(body && {
      requestBody: {
        required: bodyMayBeLeftOut !== true,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${body}` } } },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, name]) => [
          status,
          { description: name, content: { 'application/json': { schema: ref(name) } } },
        ]),
      ),
      ...Object.fromEntries(
        refusalStatuses().map((status) => [status, { $ref: '#/components/responses/Problem' }]),
      ),
    },
  };
}

/** Every status that a refusal may have: what lies behind the server may be away in any call. */
function refusalStatuses(): readonly number[] {
  const codes = Object.keys(PROBLEM_STATUS) as ProblemCode[];
  return [...new Set(codes.map((code) => PROBLEM_STATUS[code]))].toSorted((one, other) => one - other);
}

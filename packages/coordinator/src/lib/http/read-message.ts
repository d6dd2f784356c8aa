import * as v from 'valibot';
import type { MessageSchema } from '@longhaul/protocol/schemas';
import { CoordinatorError } from '../coordinator-error.ts';

/** Room for everything of a create but its payload, for a full parts call, for a hundred tokens. */
export const MESSAGE_MAX_BYTES: number = 1024 ** 2;

/**
 * The body of a request as a message.
 *
 * @param ifEmpty what a request without a body says; left out: a body is needed
 * @throws CoordinatorError `request-too-large`, or `bad-request` naming what is wrong
 */
export async function readMessage<Message>(
  request: Request,
  schema: MessageSchema<Message>,
  maxBytes: number,
  ifEmpty?: Message,
): Promise<Message> {
  const text = new TextDecoder().decode(await readBounded(request, maxBytes));
  if (ifEmpty !== undefined && text === '') return ifEmpty;
  return parseMessage(parseJson(text), schema);
}

/**
 * Unknown input as a message.
 *
 * @throws CoordinatorError `bad-request`. Says where and what was expected, never what was received: a token or a key in
 * the wrong place must not come back in an error.
 */
export function parseMessage<Message>(input: unknown, schema: MessageSchema<Message>): Message {
  // The first thing that is wrong is enough: to collect them all, a body of one megabyte would take half a gigabyte.
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new CoordinatorError(
    'bad-request',
    `The request is not as the protocol wants it: ${v.getDotPath(issue) ?? 'the body'}: ${expectationOf(issue)}.`,
  );
}

/** Forms that the schemas ask for, in words. Others are told by the schema's own name for them. */
const FORMS: Readonly<Record<string, (requirement: unknown) => string>> = {
  uuid: () => 'a UUID',
  safe_integer: () => 'a whole number',
  integer: () => 'a whole number',
  min_value: (least) => `at least ${String(least)}`,
  max_value: (most) => `at most ${String(most)}`,
  min_length: (least) => `at least ${String(least)} long`,
  max_length: (most) => `at most ${String(most)} long`,
  regex: () => 'written as the protocol says',
  check: () => 'written as the protocol says',
};

function expectationOf(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === 'never') return 'is not known here';
  if (issue.kind !== 'schema')
    return `must be ${FORMS[issue.type]?.(issue.requirement) ?? issue.type.replaceAll('_', ' ')}`;
  // A missing member is told by its own name in quotes.
  return issue.expected?.startsWith('"') && issue.received === 'undefined'
    ? 'is missing'
    : `must be ${issue.expected ?? issue.type}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CoordinatorError('bad-request', 'The body is not JSON.', {}, cause);
  }
}

async function readBounded(request: Request, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new CoordinatorError(
    'request-too-large',
    `The body of this call may have ${maxBytes} bytes at most.`,
  );
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of whatArrives(request)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body's chunks. A client that goes away in the middle has made no mistake of ours. */
async function* whatArrives(request: Request): AsyncGenerator<Uint8Array> {
  try {
    yield* request.body ?? [];
  } catch (cause) {
    throw new CoordinatorError('bad-request', 'The body did not arrive whole. Send it again.', {}, cause);
  }
}

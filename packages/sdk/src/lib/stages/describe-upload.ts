import type { CreateUploadRequest } from '@longhaul/protocol';
import { toBase64 } from '../base64.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Digester } from '../ports/digester.ts';
import type { WishedPlan } from '../schedule/wish-plan.ts';

/** The create call as it is made: members that are `undefined` do not travel. */
export type CreateCall = {
  readonly [Name in keyof CreateUploadRequest]: CreateUploadRequest[Name] | undefined;
};

/** What the create call is made of. */
export interface DescribeInput<Source extends ByteSource> {
  readonly source: Source;
  /** What the caller has said; the source fills in the rest. */
  readonly options: Pick<
    CreateUploadRequest,
    'contentType' | 'connectorId' | 'metadata' | 'encryption' | 'objectOptions' | 'takeover'
  > & {
    readonly name?: string;
    readonly signal?: AbortSignal;
    readonly expectedSizeBytes?: number;
  };
  readonly wished: WishedPlan;
  readonly inlineMaxBytes: number;
  readonly digester?: Digester<Source> | undefined;
  readonly stopSignal: AbortSignal;
}

/**
 * The create call for a source. What is small travels inside it; what fits into one part is one PUT, with a digest
 * that the store checks; the rest is cut into parts.
 */
export async function describeUpload<Source extends ByteSource>(
  { source, options, wished, inlineMaxBytes, ...input }: DescribeInput<Source>,
  identity: Pick<CreateCall, 'createId' | 'fingerprint' | 'resume'>,
): Promise<CreateCall & { signal: undefined; expectedSizeBytes: undefined }> {
  const { sizeBytes, name = 'unnamed', contentType } = source;
  const { isWhole, partSizeBytes } = wished;
  const { digester, stopSignal: signal } = input;
  const all = { source, offsetBytes: 0, sizeBytes, signal };
  return {
    name,
    contentType,
    ...options,
    ...identity,
    // Not for the wire.
    signal: undefined,
    expectedSizeBytes: undefined,
    sizeBytes: Number.isFinite(sizeBytes) ? sizeBytes : null,
    mode: isWhole ? 'single' : 'multipart',
    partSizeBytes,
    checksum: isWhole ? await digester?.digest({ ...all, algorithm: digester.algorithms[0] }) : undefined,
    checksums: digester?.algorithms,
    payload: sizeBytes <= inlineMaxBytes ? toBase64(await source.read(0, sizeBytes)) : undefined,
  };
}

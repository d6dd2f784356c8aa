import type { Checksum, CreateUploadRequest } from '@longhaul/protocol';
import { toBase64 } from '../base64.ts';
import { wishPartSize } from '../part-size.ts';
import type { ByteSource } from '../ports/byte-source.ts';

/** What the create call is made of. */
export interface DescribeInput<Source extends ByteSource> {
  readonly source: Source;
  readonly identity: Pick<CreateUploadRequest, 'createId' | 'fingerprint' | 'resume'>;
  /** What the caller has said; the source fills in the rest. */
  readonly asked: Pick<CreateUploadRequest, 'contentType' | 'connectorId' | 'metadata' | 'encryption'> & {
    readonly name?: string;
  };
  readonly concurrency: number;
  /** Largest part to ask for. */
  readonly partSizeBytes: number;
  readonly inlineMaxBytes: number;
  /** Digest of the whole content, where the runtime has one to offer. */
  readonly checksum: ((source: Source) => Promise<Checksum>) | undefined;
}

/**
 * The create call for a source. What is small travels inside it; what fits into one part is one PUT, with a digest
 * that the store checks; the rest is cut into parts.
 */
export async function describeUpload<Source extends ByteSource>(
  input: DescribeInput<Source>,
): Promise<CreateUploadRequest> {
  const { source, concurrency, partSizeBytes } = input;
  const { sizeBytes, name = 'unnamed', contentType } = source;
  const isWhole = sizeBytes <= partSizeBytes;
  const isInline = sizeBytes <= input.inlineMaxBytes;
  return {
    name,
    ...(contentType !== undefined && { contentType }),
    ...input.asked,
    ...input.identity,
    sizeBytes,
    mode: isWhole ? 'single' : 'multipart',
    partSizeBytes: wishPartSize(sizeBytes, concurrency, partSizeBytes),
    ...(isWhole && input.checksum && { checksum: await input.checksum(source) }),
    ...(isInline && { payload: toBase64(await source.read(0, sizeBytes)) }),
  };
}

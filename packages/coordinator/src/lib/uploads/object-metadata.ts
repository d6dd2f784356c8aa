import { MAX_METADATA_BYTES } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';

/** Metadata name under which the write token stands on the object: how we know that it is ours. */
export const WRITE_TOKEN_NAME = 'longhaul-write-token';

const RESERVED_NAMES = ['node-id', 'connector-id', 'original-name', WRITE_TOKEN_NAME];
/** What is always left for the file's name, however much metadata the client sends. */
const NAME_RESERVE_BYTES = 128;

/**
 * User metadata of an upload's object: the client's own and ours, US-ASCII, at most 2 KiB in all.
 *
 * Everything but visible ASCII is percent-encoded, `%` too, so that decodeURIComponent gives back what was sent and no
 * CR or LF can reach a header. A name too long for what is left is cut here; the catalog keeps it whole.
 *
 * @throws CoordinatorError `invalid-metadata` when the client uses a reserved name or sends too much
 */
export function objectMetadata(upload: {
  readonly uploadId: string;
  readonly connectorId: string;
  readonly name: string;
  readonly writeToken: string;
  readonly metadata: Readonly<Record<string, string>>;
}): Record<string, string> {
  const taken = RESERVED_NAMES.find((name) => name in upload.metadata);
  if (taken)
    throw new CoordinatorError(
      'invalid-metadata',
      `The metadata name "${taken}" is reserved. Use another name.`,
    );
  const metadata = Object.fromEntries(
    Object.entries(upload.metadata).map(([name, value]) => [name, encodeMetadataValue(value)]),
  );
  metadata['node-id'] = upload.uploadId;
  metadata['connector-id'] = upload.connectorId;
  metadata[WRITE_TOKEN_NAME] = upload.writeToken;
  const leftBytes = MAX_METADATA_BYTES - sizeOf(metadata) - 'original-name'.length;
  if (leftBytes < NAME_RESERVE_BYTES) {
    throw new CoordinatorError(
      'invalid-metadata',
      `The metadata is ${NAME_RESERVE_BYTES - leftBytes} bytes too large once encoded: S3 keeps 2 KiB for an object. Send less.`,
    );
  }
  metadata['original-name'] = cutEncoded(encodeMetadataValue(upload.name), leftBytes);
  return metadata;
}

/** Percent-encodes everything that may not stand in a header, and `%`. */
function encodeMetadataValue(value: string): string {
  return value.toWellFormed().replaceAll(/[^\u{21}-\u{24}\u{26}-\u{7E}]+/gu, encodeURIComponent);
}

function sizeOf(metadata: Readonly<Record<string, string>>): number {
  return Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

/** Cuts between characters: half of a percent-encoded one could not be decoded. */
function cutEncoded(encoded: string, maxBytes: number): string {
  if (encoded.length <= maxBytes) return encoded;
  const characters = encoded.match(/(?:%[0-7].|(?:%[C-F].)(?:%[89AB].)+|[^%])/gu) ?? [];
  let cut = '';
  for (const character of characters) {
    if (cut.length + character.length > maxBytes) break;
    cut += character;
  }
  return cut;
}

import { S3Error } from '../s3-error.ts';

/** A body in `aws-chunked` encoding, decoded. */
export interface AwsChunkedBody {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Trailing headers, names in lower case. Complete when `chunks` has ended. */
  readonly trailers: ReadonlyMap<string, string>;
}

/** Longest line of the framing: a chunk size, or a trailer. */
const MAX_LINE_BYTES = 4096;
const LINE_FEED = 10;

/**
 * Decodes `size-in-hex CRLF bytes CRLF … 0 CRLF trailers CRLF`, the unsigned form that SDKs use for checksums that
 * follow the body. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 *
 * A body that breaks off or is framed in another way throws IncompleteBody.
 */
export function decodeAwsChunked(body: AsyncIterable<Uint8Array>): AwsChunkedBody {
  const trailers = new Map<string, string>();
  return { chunks: decode(createReader(body), trailers), trailers };
}

async function* decode(reader: Reader, trailers: Map<string, string>): AsyncGenerator<Uint8Array> {
  for (let size = await readSize(reader); size > 0; size = await readSize(reader)) {
    yield* reader.bytes(size);
    if ((await reader.line()) !== '') throw new S3Error('IncompleteBody');
  }
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
}

async function readSize(reader: Reader): Promise<number> {
  const [size = ''] = (await reader.line()).split(';');
  if (!/^[0-9a-f]{1,12}$/i.test(size)) throw new S3Error('IncompleteBody');
  return Number.parseInt(size, 16);
}

interface Reader {
  /** The next line without its end. */
  line(): Promise<string>;
  /** Exactly that many bytes. */
  bytes(count: number): AsyncGenerator<Uint8Array>;
}

function createReader(body: AsyncIterable<Uint8Array>): Reader {
  const iterator = body[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();

  const fill = async (): Promise<void> => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) throw new S3Error('IncompleteBody');
      rest = next.value;
    }
  };
  const take = (count: number): Uint8Array => {
    const taken = rest.subarray(0, count);
    rest = rest.subarray(count);
    return taken;
  };

  return {
    async line() {
      let line = '';
      while (!line.endsWith('\n')) {
        await fill();
        const end = rest.indexOf(LINE_FEED);
        line += Buffer.from(take(end === -1 ? rest.length : end + 1)).toString('latin1');
        if (line.length > MAX_LINE_BYTES) throw new S3Error('IncompleteBody');
      }
      return line.replace(/\r?\n$/, '');
    },
    async *bytes(count) {
      for (let left = count; left > 0;) {
        await fill();
        const chunk = take(left);
        left -= chunk.length;
        yield chunk;
      }
    },
  };
}

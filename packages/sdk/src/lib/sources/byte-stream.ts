/** What yields bytes and does not say how many: web streams, Node's streams, generators. It can be read only once. */
export type ByteStream = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Whether a source is a {@link ByteStream}. */
export function isByteStream(input: unknown): input is ByteStream {
  return (
    typeof input === 'object' && input !== null && ('getReader' in input || Symbol.asyncIterator in input)
  );
}

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { decodeAwsChunked } from './aws-chunked.ts';

async function* slicesOf(bytes: Buffer, sliceBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += sliceBytes)
    yield bytes.subarray(start, start + sliceBytes);
}

const decode = async (encoded: string | Buffer, sliceBytes = 7) => {
  const { chunks, trailers } = decodeAwsChunked(slicesOf(Buffer.from(encoded), sliceBytes));
  const content = [];
  for await (const chunk of chunks) content.push(Buffer.from(chunk));
  return { content: Buffer.concat(content), trailers: Object.fromEntries(trailers) };
};

test('chunks and trailers', async () => {
  const { content, trailers } = await decode(
    '5\r\nhello\r\n1;ext=1\r\n,\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\nX-Other:b\r\n\r\n',
  );
  expect(content.toString()).toBe('hello, world');
  expect(trailers).toEqual({ 'x-amz-checksum-crc32': 'AAAAAA==', 'x-other': 'b' });
});

test('an empty body', async () => {
  expect(await decode('0\r\n\r\n')).toMatchObject({ content: Buffer.alloc(0), trailers: {} });
});

test('any content, however framed and sliced', async () => {
  const chunk = fc.uint8Array({ minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      async (chunks, slice) => {
        const framed = chunks.map((bytes) =>
          Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
        );
        const encoded = Buffer.concat([...framed, Buffer.from('0\r\nt: v\r\n\r\n')]);
        const { content, trailers } = await decode(encoded, slice);
        expect(content.equals(Buffer.concat(chunks))).toBe(true);
        expect(trailers).toEqual({ t: 'v' });
      },
    ),
    { numRuns: 100 },
  );
});

test.each([
  '',
  '5\r\nhel',
  '5\r\nhello',
  '5\r\nhello\r\n',
  '5\r\nhello\r\n0\r\n',
  '5\r\nhelloXX0\r\n\r\n',
  'z\r\nhello\r\n',
  '-1\r\nhello\r\n',
  'f'.repeat(5_000),
])('%j is incomplete', async (encoded) => {
  await expect(decode(encoded)).rejects.toMatchObject({ code: 'IncompleteBody' });
});

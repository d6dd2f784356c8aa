import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import {
  batchCompleteRequestSchema,
  batchCreateRequestSchema,
  completeRequestSchema,
  createUploadRequestSchema,
  partsRequestSchema,
} from './schemas.ts';

const create = {
  createId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  name: 'film.mp4',
  sizeBytes: 5,
};

const customerKey = { mode: 'sse-c', customerKeyMd5: 'AAAAAAAAAAAAAAAAAAAAAA==' };

function accepts(schema: v.GenericSchema, input: unknown): boolean {
  return v.safeParse(schema, input).success;
}

function acceptsCreate(members: Record<string, unknown>): boolean {
  return accepts(createUploadRequestSchema, { ...create, ...members });
}

describe('create', () => {
  it('takes the least and the most that it may hold', () => {
    expect(v.parse(createUploadRequestSchema, create)).toEqual(create);
    const full = {
      ...create,
      contentType: 'video/mp4',
      connectorId: 'my-connector_1.2',
      metadata: { 'camera-id': 'Süd "3"' },
      fingerprint: 'a1'.repeat(32),
      partSizeBytes: 1,
      checksum: { algorithm: 'CRC32', value: 'AAAAAA==' },
      encryption: { mode: 'sse-kms', kmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234' },
      objectOptions: {
        storageClass: 'STANDARD_IA',
        tags: { team: 'Süd 3+4=7' },
        cacheControl: 'max-age=60, public',
        contentDisposition: 'attachment; filename="a b.txt"',
        contentEncoding: 'gzip',
        objectLock: { mode: 'COMPLIANCE', retainUntil: '2030-01-01T00:00:00Z', legalHold: true },
      },
      mode: 'single',
      payload: 'aGVsbG8=',
      resume: false,
    };
    expect(v.parse(createUploadRequestSchema, full)).toEqual(full);
  });

  it.each([
    ['a key service and its own key', { mode: 'sse-kms' }],
    ['the MD5 of a key', customerKey],
    ['the key too', { ...customerKey, customerKey: `${'A'.repeat(43)}=` }],
  ])('takes encryption with %s', (_what, encryption) => {
    expect(acceptsCreate({ encryption })).toBe(true);
  });

  it('takes names of 1 to 1,024 characters of any script, as they are', () => {
    const character = fc
      .string({ unit: 'binary', minLength: 1, maxLength: 1 })
      .filter((text) => text !== '\0');
    const name = fc.string({ unit: character, minLength: 1, maxLength: 1024, size: 'max' });
    fc.assert(
      fc.property(name, (text) => {
        expect(v.parse(createUploadRequestSchema, { ...create, name: text }).name).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['quotes', `"it's"`],
    ['CR and LF', 'a\r\nx-amz-meta-owner: b'],
    ['a path', '../../etc/passwd'],
    ['a blank', ' '],
    ['Unicode', 'Ünïcødé 文件 🎬 e\u0301'],
    ['1,024 letters', 'x'.repeat(1024)],
    ['1,024 characters outside the basic plane', '🎬'.repeat(1024)],
  ])('takes a name with %s', (_what, name) => {
    expect(acceptsCreate({ name })).toBe(true);
  });

  it.each([
    ['nothing in it', ''],
    ['1,025 letters', 'x'.repeat(1025)],
    ['1,025 characters outside the basic plane', '🎬'.repeat(1025)],
    ['NUL, which Postgres cannot store', 'a\0b'],
    ['half a surrogate pair, which cannot be encoded', 'a\ud83cb'],
    ['another type', 5],
  ])('refuses a name with %s', (_what, name) => {
    expect(acceptsCreate({ name })).toBe(false);
  });

  it('writes a createId in one way, so that capitals make no second upload', () => {
    const createId = create.createId.toUpperCase();
    expect(v.parse(createUploadRequestSchema, { ...create, createId }).createId).toBe(create.createId);
  });

  it.each([
    'text/plain',
    'application/vnd.oasis.opendocument.text',
    'image/svg+xml',
    'text/plain; charset=utf-8',
    'text/plain;charset="utf-8"; format=flowed',
    'video/webm;codecs=vp9,opus',
    'multipart/form-data; boundary=----x:y/z',
  ])('takes the content type %s', (contentType) => {
    expect(acceptsCreate({ contentType })).toBe(true);
  });

  it.each([
    '',
    'text',
    'text/',
    '/plain',
    'text/plain;',
    'text/plain; charset',
    'text/plain; charset=',
    'text/plain; a="b"c',
    'text/plain; a="b',
    'text/plain\n',
    'text/plain\r\nx-amz-acl: public-read',
    'text/plain;\r\n charset=utf-8',
    'text/plain; a="\r\n"',
    'text/plain; a=\u{85}',
    'text/plän',
    `text/${'x'.repeat(252)}`,
  ])('refuses the content type %j', (contentType) => {
    expect(acceptsCreate({ contentType })).toBe(false);
  });

  it('lets no content type through that could not be a header', () => {
    const bits = fc.constantFrom(
      'text/plain',
      ';',
      ' ',
      '\t',
      '\r',
      '\n',
      '\0',
      'a=',
      'b',
      '"',
      ',',
      '=',
      '\\',
      'ä',
    );
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 8 }), (parts) => {
        const contentType = parts.join('');
        if (!acceptsCreate({ contentType })) return;
        expect(new Headers({ 'content-type': contentType }).get('content-type')).toBe(contentType);
        expect(contentType).toMatch(/^[\t\x20-\x7e]+$/);
      }),
      { numRuns: 5_000, examples: [[['text/plain', ';', '\r', '\n', 'a=', 'b']]] },
    );
  });

  it('answers at once to content types and payloads made to be slow', () => {
    expect(acceptsCreate({ contentType: `a/b${'; \t'.repeat(80)}` })).toBe(false);
    expect(acceptsCreate({ payload: `${'AAAA'.repeat(2_000_000)}!` })).toBe(false);
    expect(acceptsCreate({ payload: 'AAAA'.repeat(2_000_000) })).toBe(true);
    expect(acceptsCreate({ payload: `${'='.repeat(400_000)}!===` })).toBe(false);
  });

  it('takes every digest of each algorithm as it is written', () => {
    const sizes = { CRC32: 4, CRC32C: 4, CRC64NVME: 8, MD5: 16 } as const;
    for (const [algorithm, length] of Object.entries(sizes)) {
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      fc.assert(
        fc.property(bytes, (digest) =>
          acceptsCreate({ checksum: { algorithm, value: Buffer.from(digest).toString('base64') } }),
        ),
      );
    }
  });

  it.each([
    ['an unknown member', { partSize: 5 }],
    ['an unknown member of a prototype', JSON.parse('{"__proto__":{"a":1}}')],
    ['no UUID', { createId: 'film' }],
    ['a UUID and more', { createId: `${create.createId}\n` }],
    ['a missing createId', { createId: undefined }],
    ['a negative size', { sizeBytes: -1 }],
    ['half a byte', { sizeBytes: 0.5 }],
    ['a size that is no exact number', { sizeBytes: 2 ** 53 }],
    ['a size in words', { sizeBytes: '5' }],
    ['a size without end', JSON.parse('{"sizeBytes":1e999}')],
    ['an empty connector', { connectorId: '' }],
    ['a connector that climbs', { connectorId: '..' }],
    ['a connector with a slash', { connectorId: 'a/b' }],
    ['a connector of 129 letters', { connectorId: 'a'.repeat(129) }],
    ['a fingerprint in capitals', { fingerprint: 'A1'.repeat(32) }],
    ['a short fingerprint', { fingerprint: 'a1' }],
    ['a part size of 0', { partSizeBytes: 0 }],
    ['an unknown algorithm', { checksum: { algorithm: 'SHA1', value: 'AAAAAA==' } }],
    ['an empty digest', { checksum: { algorithm: 'CRC32', value: '' } }],
    ['a digest of another length', { checksum: { algorithm: 'MD5', value: 'AAAAAA==' } }],
    ['a digest of more bytes in as many characters', { checksum: { algorithm: 'CRC32', value: 'AAAAAAAA' } }],
    ['a digest in another spelling', { checksum: { algorithm: 'CRC64NVME', value: 'AAAAAAAAAAB=' } }],
    ['a digest in hex', { checksum: { algorithm: 'CRC32', value: '0a1b2c3d!' } }],
    ['an unknown encryption', { encryption: { mode: 'rot13' } }],
    ['a key for S3’s own encryption', { encryption: { mode: 'sse-s3', kmsKeyId: 'k' } }],
    ['a key with CR and LF', { encryption: { mode: 'sse-kms', kmsKeyId: 'k\r\nx: y' } }],
    ['no MD5 of a key', { encryption: { mode: 'sse-c' } }],
    ['an MD5 that is a key', { encryption: { mode: 'sse-c', customerKeyMd5: `${'A'.repeat(43)}=` } }],
    ['an MD5 in another spelling', { encryption: { mode: 'sse-c', customerKeyMd5: `${'A'.repeat(21)}B==` } }],
    ['a key of 31 bytes', { encryption: { ...customerKey, customerKey: `${'A'.repeat(42)}==` } }],
    ['a key in hex', { encryption: { ...customerKey, customerKey: 'a1'.repeat(32) } }],
    ['a storage class in small letters', { objectOptions: { storageClass: 'standard' } }],
    [
      '11 tags',
      { objectOptions: { tags: Object.fromEntries(Array.from('abcdefghijk', (name) => [name, ''])) } },
    ],
    ['a tag with an ampersand', { objectOptions: { tags: { a: 'b&c=d' } } }],
    ['a tag without a name', { objectOptions: { tags: { '': 'a' } } }],
    ['a tag that would be lost', { objectOptions: { tags: { constructor: 'a' } } }],
    ['CR and LF in a header', { objectOptions: { cacheControl: 'no-store\r\nx: y' } }],
    ['an empty header', { objectOptions: { contentEncoding: '' } }],
    [
      'an unknown lock',
      { objectOptions: { objectLock: { mode: 'FOREVER', retainUntil: '2030-01-01T00:00:00Z' } } },
    ],
    ['a lock without its end', { objectOptions: { objectLock: { mode: 'GOVERNANCE' } } }],
    ['an end without a lock', { objectOptions: { objectLock: { retainUntil: '2030-01-01T00:00:00Z' } } }],
    [
      'a day that there is not',
      { objectOptions: { objectLock: { mode: 'GOVERNANCE', retainUntil: '2030-13-01T00:00:00Z' } } },
    ],
    ['a lock that says nothing', { objectOptions: { objectLock: {} } }],
    ['an option that is not known', { objectOptions: { acl: 'public-read' } }],
    ['inline asked for', { mode: 'inline' }],
    ['a payload that is no base64', { payload: 'hello' }],
    ['a payload without its padding', { payload: 'aGVsbG8' }],
    ['a payload in the alphabet of URLs', { payload: 'aG_sbG8=' }],
    ['a payload with line breaks', { payload: 'aGVs\nbG8=aaa' }],
    ['resume in words', { resume: 'false' }],
    ['a metadata name in capitals', { metadata: { Owner: 'me' } }],
    ['a metadata name with a colon', { metadata: { 'a: b': 'me' } }],
    ['a metadata name that begins with a hyphen', { metadata: { '-a': 'me' } }],
    ['a metadata value of another type', { metadata: { owner: 5 } }],
    ['a long metadata value', { metadata: { owner: 'x'.repeat(2049) } }],
    ['NUL in metadata', { metadata: { owner: '\0' } }],
    ['half a surrogate pair in metadata', { metadata: { owner: '\udc00' } }],
    ['a metadata name that would be lost', { metadata: { constructor: 'me' } }],
    ['a metadata name of every object', { metadata: JSON.parse('{"__proto__":"me"}') }],
    ['metadata in a list', { metadata: ['me'] }],
    ['an empty list of metadata', { metadata: [] }],
    ['metadata of null', { metadata: null }],
  ])('refuses %s', (_what, members) => {
    const input = Object.defineProperties({ ...create }, Object.getOwnPropertyDescriptors(members));
    expect(accepts(createUploadRequestSchema, input)).toBe(false);
  });

  it('refuses what is no object', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => {
        expect(accepts(createUploadRequestSchema, input)).toBe(false);
      }),
    );
  });
});

describe('create batch', () => {
  it('takes 1 to 100 entries and leaves each to itself', () => {
    expect(accepts(batchCreateRequestSchema, { uploads: [create, { bad: true }, null] })).toBe(true);
    expect(accepts(batchCreateRequestSchema, { uploads: Array(100).fill(create) })).toBe(true);
    expect(accepts(batchCreateRequestSchema, { uploads: [] })).toBe(false);
    expect(accepts(batchCreateRequestSchema, { uploads: Array(101).fill(create) })).toBe(false);
    expect(accepts(batchCreateRequestSchema, { uploads: [create], more: 1 })).toBe(false);
  });
});

describe('parts', () => {
  const receipt = { partNumber: 1, sizeBytes: 5 };

  it('takes receipts and parts to sign, or neither', () => {
    expect(accepts(partsRequestSchema, { report: [], sign: [] })).toBe(true);
    const full = {
      report: [
        { ...receipt, etag: '"9b2cf535f27731c9"', durationMs: 1.5, attempts: 2, errorCodes: ['SlowDown'] },
      ],
      sign: [{ partNumber: 10_000, sizeBytes: 0 }],
    };
    expect(v.parse(partsRequestSchema, full)).toEqual(full);
    expect(accepts(partsRequestSchema, { report: Array(1_000).fill(receipt), sign: [] })).toBe(true);
  });

  it('takes a list that is left out for an empty one', () => {
    expect(v.parse(partsRequestSchema, {})).toEqual({ report: [], sign: [] });
  });

  it.each([
    ['1,001 receipts', { report: Array(1_001).fill(receipt), sign: [] }],
    ['1,001 parts to sign', { report: [], sign: Array(1_001).fill(receipt) }],
    ['an unknown member', { report: [], sign: [{ ...receipt, etag: '"a"' }] }],
    ['part 0', { report: [], sign: [{ partNumber: 0, sizeBytes: 5 }] }],
    ['half a part', { report: [], sign: [{ partNumber: 1.5, sizeBytes: 5 }] }],
    ['an empty ETag', { report: [{ ...receipt, etag: '' }], sign: [] }],
    ['an ETag with LF', { report: [{ ...receipt, etag: '"a"\n' }], sign: [] }],
    ['a long ETag', { report: [{ ...receipt, etag: 'a'.repeat(257) }], sign: [] }],
    ['a time without end', { report: [{ ...receipt, durationMs: Infinity }], sign: [] }],
    ['an error code that ends a line', { report: [{ ...receipt, errorCodes: ['a\nb'] }], sign: [] }],
    ['33 error codes', { report: [{ ...receipt, errorCodes: Array(33).fill('a') }], sign: [] }],
    ['no attempt', { report: [{ ...receipt, attempts: 0 }], sign: [] }],
  ])('refuses %s', (_what, input) => {
    expect(accepts(partsRequestSchema, input)).toBe(false);
  });
});

describe('complete batch', () => {
  it('takes 1 to 100 uploads with their tokens', () => {
    const entry = { uploadId: create.createId, token: 't'.repeat(100) };
    expect(accepts(batchCompleteRequestSchema, { uploads: Array(100).fill(entry) })).toBe(true);
    expect(accepts(batchCompleteRequestSchema, { uploads: [] })).toBe(false);
    expect(accepts(batchCompleteRequestSchema, { uploads: Array(101).fill(entry) })).toBe(false);
    expect(accepts(batchCompleteRequestSchema, { uploads: [{ uploadId: 'a' }] })).toBe(false);
    expect(accepts(batchCompleteRequestSchema, { uploads: [{ ...entry, token: 't'.repeat(4097) }] })).toBe(
      false,
    );
  });
});

describe('a size that is unknown', () => {
  it('is null at create, and told by complete', () => {
    expect(acceptsCreate({ sizeBytes: null })).toBe(true);
    const { sizeBytes: _, ...without } = create;
    expect(accepts(createUploadRequestSchema, without)).toBe(false);
    expect(accepts(completeRequestSchema, {})).toBe(true);
    expect(accepts(completeRequestSchema, { sizeBytes: 0 })).toBe(true);
    for (const sizeBytes of [null, -1, 0.5, '5'])
      expect(accepts(completeRequestSchema, { sizeBytes })).toBe(false);
    const uploads = [{ uploadId: 'a', token: 'b', sizeBytes: 5 }];
    expect(accepts(batchCompleteRequestSchema, { uploads })).toBe(true);
  });
});

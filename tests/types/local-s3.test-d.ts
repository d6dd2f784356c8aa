// Compiled, never run: what the types of local-s3 promise to those who test with it.
import { createLocalS3, type LocalS3 } from '@longhaul/local-s3';
import { expectTypeOf } from 'vitest';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' };

const memory = createLocalS3({ storage: { kind: 'memory' }, credentials });
createLocalS3({ storage: { kind: 'folder', path: './data' }, credentials, buckets: ['uploads'] });
// @ts-expect-error: a folder has a path
createLocalS3({ storage: { kind: 'folder' }, credentials });
// @ts-expect-error: nobody could sign
createLocalS3({ storage: { kind: 'memory' } });
// @ts-expect-error: a misspelt option
createLocalS3({ storage: { kind: 'memory' }, credentials, bucket: 'uploads' });

expectTypeOf(memory).toEqualTypeOf<LocalS3>();
const { url } = await memory.listen({ port: 0 });
expectTypeOf(url).toEqualTypeOf<string>();
expectTypeOf(memory.fetch(new Request(url))).toEqualTypeOf<Promise<Response>>();
expectTypeOf(memory.objectFile('uploads', 'key')).toEqualTypeOf<string | undefined>();

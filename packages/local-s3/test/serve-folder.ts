// A server in a process of its own, for tests that kill it. Tells its URL to the parent.
import { createLocalS3 } from '../src/index.ts';
import { CREDENTIALS } from './test-server.ts';

const [path = ''] = process.argv.slice(2);
const s3 = createLocalS3({
  storage: { kind: 'folder', path },
  credentials: CREDENTIALS,
  minPartSizeBytes: 1024 ** 2,
});
const { url } = await s3.listen();
process.send?.(url);

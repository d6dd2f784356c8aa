// What the SDK loads on demand takes real time to come, and the simulated world would stand still for it: here it is there
// already.
import '../../../packages/sdk/src/lib/http/ky-call.ts';
import '../../../packages/sdk/src/lib/http/share-calls.ts';
import '../../../packages/sdk/src/lib/integrity/composite-md5.ts';
import '../../../packages/sdk/src/lib/schedule/wider.ts';
import '../../../packages/sdk/src/lib/uploader/sending.ts';

export { openStream } from '../../../packages/sdk/src/lib/sources/stream-source.ts';

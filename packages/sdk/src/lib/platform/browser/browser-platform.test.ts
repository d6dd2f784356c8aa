import { expect, it, vi } from 'vitest';
import { browserPlatform, openFile } from './browser-platform.ts';

// A page that was published anew has other files than the one that is open.
vi.mock('./browser-part-sender.ts', () => {
  throw new Error('404');
});

it('says what to do when what sends from a page is not there', async () => {
  const part = {
    source: await openFile(new Blob(['a'])),
    offsetBytes: 0,
    sizeBytes: 1,
    url: '',
    headers: {},
  };
  const sending = browserPlatform
    .createSender({ concurrency: 1 })
    .send({ ...part, signal: new AbortController().signal, onProgress: () => {} });
  await expect(sending).rejects.toMatchObject({ code: 'CODE_UNREACHABLE' });
});

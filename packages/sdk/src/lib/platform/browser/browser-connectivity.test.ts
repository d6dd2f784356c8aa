import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { browserConnectivity } from './browser-connectivity.ts';

const { whenOnline } = browserConnectivity;
let page: EventTarget;

beforeEach(() => {
  page = new EventTarget();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => vi.unstubAllGlobals());

function browse(hostname: string, onLine: boolean): void {
  vi.stubGlobal('location', { hostname });
  vi.stubGlobal('navigator', { onLine });
}

const settled = async (promise: Promise<void>): Promise<boolean> =>
  await Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setImmediate(resolve, false)),
  ]);

describe('browserConnectivity', () => {
  it('resolves at once while the browser is online', async () => {
    browse('files.example', true);
    await whenOnline(new AbortController().signal);
  });

  it('waits for the network to come back', async () => {
    browse('files.example', false);
    const back = whenOnline(new AbortController().signal);
    expect(await settled(back)).toBe(false);
    page.dispatchEvent(new Event('online'));
    await back;
  });

  it('stops waiting when the signal aborts, before and meanwhile', async () => {
    browse('files.example', false);
    const controller = new AbortController();
    const waiting = whenOnline(controller.signal);
    controller.abort(new Error('leave'));
    await expect(waiting).rejects.toThrow('leave');
    await expect(whenOnline(controller.signal)).rejects.toThrow('leave');
  });

  it.each(['localhost', '127.0.0.1', '[::1]'])('needs no network on %s', async (hostname) => {
    browse(hostname, false);
    await whenOnline(new AbortController().signal);
  });
});

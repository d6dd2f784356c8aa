import { randomBytes } from 'node:crypto';
import type { UploadEvent } from '@longhaul/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { describeEventSink, exampleEvent } from '../../src/lib/testing/event-sink.contract.ts';
import { createWebhookSink, type WebhookSinkOptions } from '../../src/webhook.ts';
import { type Answer, isSigned, type Receiver, startReceiver } from './webhook-receiver.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;

describeEventSink('webhook', async () => {
  const receiver = await startReceiver();
  receiver.answer((body) => ({ status: body.includes('refuse me') ? 422 : 200 }));
  return {
    sink: createWebhookSink({ url: receiver.url, secret }),
    received: async (nodeId) =>
      receiver.deliveries
        .filter(({ status }) => status === 200)
        .map(({ body }) => JSON.parse(body) as UploadEvent)
        .filter(({ data }) => data.nodeId === nodeId),
    refusedEvent: () => exampleEvent({ data: { name: 'refuse me' } }),
    outage: { begin: receiver.stop, end: receiver.start },
    dispose: receiver.stop,
  };
});

describe('webhook sink', () => {
  let receiver: Receiver;

  beforeAll(async () => {
    receiver = await startReceiver();
  });
  afterEach(() => receiver.answer(() => ({ status: 204 })));
  afterAll(() => receiver.stop());

  it('sends a CloudEvent in structured mode with the signature of Standard Webhooks', async () => {
    const event = exampleEvent();
    await createWebhookSink({ url: receiver.url, secret }).publish(event);
    const delivery = receiver.deliveries.at(-1)!;
    expect(delivery).toMatchObject({
      path: '/hooks/secret-path',
      headers: {
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'webhook-id': event.id,
        'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      },
    });
    expect(Math.abs(Number(delivery.headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(60);
    expect(JSON.parse(delivery.body)).toEqual(event);
    expect(isSigned(delivery, secret)).toBe(true);
    expect(isSigned({ ...delivery, body: delivery.body.replace('film', 'filn') }, secret)).toBe(false);
    expect(isSigned(delivery, `whsec_${randomBytes(32).toString('base64')}`)).toBe(false);
  });

  it.each([400, 402, 406, 409, 410, 413, 415, 422])('takes %d for a refusal of the event', async (status) => {
    receiver.answer(() => ({ status }));
    const sink = createWebhookSink({ url: receiver.url, secret });
    await expect(sink.publish(exampleEvent())).rejects.toMatchObject({
      kind: 'rejected',
      message: expect.stringContaining(`answered ${status}`),
    });
  });

  it.each([401, 403, 404, 405, 408, 421, 425, 429, 500, 502, 503, 504])(
    'takes %d for a trouble that will pass',
    async (status) => {
      receiver.answer(() => ({ status }));
      const sink = createWebhookSink({ url: receiver.url, secret });
      await expect(sink.publish(exampleEvent())).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining(`answered ${status}`),
      });
    },
  );

  it.each([301, 302, 303, 307, 308])('follows no redirect of status %d', async (status) => {
    const elsewhere = await startReceiver();
    receiver.answer(() => ({ status, headers: { location: elsewhere.url } }));
    const sink = createWebhookSink({ url: receiver.url, secret });
    await expect(sink.publish(exampleEvent())).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('redirect'),
    });
    expect(elsewhere.deliveries).toEqual([]);
    await elsewhere.stop();
  });

  it.each(['hang', 'cut'] as const satisfies Answer[])('gives up when it meets a %s', async (answer) => {
    receiver.answer(() => answer);
    const sink = createWebhookSink({ url: receiver.url, secret, timeoutMs: 200 });
    await expect(sink.publish(exampleEvent())).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('gives up a request that is under way when it is closed', async () => {
    receiver.answer(() => 'hang');
    const sink = createWebhookSink({ url: receiver.url, secret });
    const publishing = expect(sink.publish(exampleEvent())).rejects.toMatchObject({ kind: 'unavailable' });
    await sink.close();
    await publishing;
  });

  it('says neither the secret nor the path of the URL in an error', async () => {
    const said: string[] = [];
    const hush = async (answer: Answer): Promise<void> => {
      receiver.answer(() => answer);
      const sink = createWebhookSink({ url: `${receiver.url}?key=hidden-key`, secret, timeoutMs: 200 });
      await sink.publish(exampleEvent()).catch((error: Error) => said.push(wordsOf(error)));
    };
    for (const answer of ['hang', 'cut', { status: 302 }, { status: 400 }, { status: 503 }] as const)
      await hush(answer);
    expect(said).toHaveLength(5);
    for (const words of said) expect(words).not.toMatch(/secret-path|hidden-key|whsec_/);
    for (const words of said) expect(words).not.toContain(secret.slice('whsec_'.length));
  });

  const url = 'https://example.com/hook';
  it.each<[what: string, options: WebhookSinkOptions, message: RegExp]>([
    ['no address', { url: 'example', secret }, /url must be an address/],
    ['plain HTTP to another machine', { url: 'http://example.com/hook', secret }, /https:/],
    ['a host that only looks like loopback', { url: 'http://127.0.0.1.example.com/', secret }, /https:/],
    ['another protocol', { url: 'file:///etc/passwd', secret }, /https:/],
    [
      'a password in the address',
      { url: 'https://me:hidden@example.com/', secret },
      /no user and no password/,
    ],
    ['a secret without its prefix', { url, secret: secret.slice(6) }, /whsec_/],
    ['a short secret', { url, secret: `whsec_${randomBytes(8).toString('base64')}` }, /24 to 64 bytes/],
    ['a secret that is no base64', { url, secret: `whsec_${'%'.repeat(40)}` }, /base64/],
    ['a secret that is not set', { url, secret: undefined as unknown as string }, /secret must be/],
    ['a time of nothing', { url, secret, timeoutMs: 0 }, /timeoutMs/],
    ["a time beyond the relay's", { url, secret, timeoutMs: 60_000 }, /timeoutMs/],
  ])('refuses %s, without saying it', (_what, options, message) => {
    expect(() => createWebhookSink(options)).toThrow(TypeError);
    expect(() => createWebhookSink(options)).toThrow(message);
    expect(() => createWebhookSink(options)).not.toThrow(/hidden/);
  });

  it.each(['http://localhost:1/', 'http://127.8.9.1:1/', 'http://[::1]:1/', url])('takes %s', (good) => {
    expect(createWebhookSink({ url: good, secret }).name).toBe('webhook');
  });
});

/** Everything that a log could print of an error. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? '';
  return `${error.stack}${JSON.stringify(error)}${wordsOf(error.cause)}`;
}

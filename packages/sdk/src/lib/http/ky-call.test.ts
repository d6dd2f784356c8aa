import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createKyCall } from './ky-call.ts';

const { signal } = new AbortController();

describe('a call by ky', () => {
  it('carries its body, type and headers to a coordinator in the same process', async () => {
    const call = createKyCall(async (request) =>
      Response.json(
        {
          method: request.method,
          type: request.headers.get('content-type'),
          token: request.headers.get('x-token'),
          body: await request.json(),
        },
        { status: 201 },
      ),
    );
    const headers = { 'content-type': 'text/plain', 'x-token': 'secret', 'x-none': undefined };
    const answer = await call({
      method: 'post',
      url: 'http://localhost/v1/uploads',
      headers,
      json: { sizeBytes: 5 },
      signal,
    });
    expect(answer).toEqual({
      status: 201,
      value: { method: 'POST', type: 'text/plain', token: 'secret', body: { sizeBytes: 5 } },
    });
  });

  it('has no body where there is none to carry', async () => {
    const call = createKyCall(async (request) => Response.json([request.method, await request.text()]));
    const url = 'http://localhost/v1/uploads/1';
    const answer = await call({ method: 'delete', url, headers: {}, json: undefined, signal });
    expect(answer.value).toEqual(['DELETE', '']);
  });

  it('clones no request with a body, which costs a page a third of the call', async () => {
    const bodies: unknown[] = [];
    const { clone } = Request.prototype;
    const spy = vi.spyOn(Request.prototype, 'clone').mockImplementation(function (this: Request) {
      bodies.push(this.body);
      return clone.call(this);
    });
    onTestFinished(() => spy.mockRestore());
    const call = createKyCall(() => Response.json({}));
    await call({ method: 'post', url: 'http://localhost/', headers: {}, json: { much: 'text' }, signal });
    expect(bodies.filter(Boolean)).toEqual([]);
  });

  it('is over when its signal aborts', async () => {
    const stop = new AbortController();
    const call = createKyCall(
      ({ signal: asked }) =>
        new Promise((_, reject) => {
          asked.addEventListener('abort', () => reject(asked.reason));
          stop.abort(new Error('stopped'));
        }),
    );
    const answer = call({
      method: 'post',
      url: 'http://localhost/',
      headers: {},
      json: {},
      signal: stop.signal,
    });
    await expect(answer).rejects.toThrow('stopped');
  });
});

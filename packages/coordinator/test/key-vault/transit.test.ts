import { describe, expect, it } from 'vitest';
import { createTransitSealer, Secret } from '../../src/key-vault.ts';

const key = 'longhaul';
const token = (): Secret => new Secret<string>('a-token-5up3r');
const plain = new Secret(new Uint8Array(32));

describe('createTransitSealer', () => {
  it.each(['http://vault.example.com', 'ftp://127.0.0.1', 'vault', 'http://localhost.example.com'])(
    'does not send keys to %s',
    (url) => {
      expect(() => createTransitSealer({ url, key, token })).toThrow('must begin with https://');
    },
  );

  it('tells a server that is away from one that refuses', async () => {
    const away = createTransitSealer({ url: 'http://127.0.0.1:9', key, token, timeoutMs: 2_000 });
    await expect(away.seal('an-upload', plain)).rejects.toMatchObject({ kind: 'unreachable' });
    const answers =
      (status: number): typeof fetch =>
      () =>
        Promise.resolve(new Response('{"errors":["a-token-5up3r"]}', { status }));
    for (const [status, kind] of [
      [503, 'unreachable'],
      [429, 'unreachable'],
      [403, 'refused'],
      [404, 'refused'],
    ] as const) {
      const sealer = createTransitSealer({
        url: 'https://vault.example.com',
        key,
        token,
        fetch: answers(status),
      });
      const failure = await sealer.open('an-upload', 'vault:v1:x').catch((error: unknown) => error);
      expect(failure).toMatchObject({ kind });
      expect(String(failure)).not.toContain('a-token-5up3r');
    }
  });

  it('keeps the path, the mount and the namespace that it is given', async () => {
    const seen: Request[] = [];
    const sealer = createTransitSealer({
      url: 'https://gate.example.com/vault',
      key,
      mount: 'secrets/transit',
      namespace: 'team',
      token,
      fetch: async (input, init) => {
        seen.push(new Request(input as URL, init));
        return Response.json({ data: { ciphertext: 'vault:v1:x' } });
      },
    });
    expect(await sealer.seal('an-upload', plain)).toBe('vault:v1:x');
    expect(seen[0]?.url).toBe('https://gate.example.com/vault/v1/secrets/transit/encrypt/longhaul');
    expect(seen[0]?.headers.get('x-vault-namespace')).toBe('team');
  });
});

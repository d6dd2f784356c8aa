import { type KeySealer, KeyVaultError } from '../../ports/key-vault.ts';
import { Secret } from '../../secret.ts';
import { contextOf } from '../aes-gcm.ts';

/** Options of {@link createTransitSealer}. */
export interface TransitSealerOptions {
  /** Address of the server, for example `https://vault.example.com:8200`. Only on loopback may it be `http`. */
  readonly url: string;
  /** A token that may `update` `<mount>/encrypt/<key>` and `<mount>/decrypt/<key>`; asked for before each call, so that it may change. */
  readonly token: () => Promise<Secret> | Secret;
  /** Name of a transit key, of a type with associated data: `aes256-gcm96` (the default) or `chacha20-poly1305`. */
  readonly key: string;
  /** Where the transit engine is mounted. Default `transit`. */
  readonly mount?: string;
  /** Of OpenBao or Vault Enterprise. */
  readonly namespace?: string;
  /** Longest wait for an answer. Default 5,000. */
  readonly timeoutMs?: number;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

/**
 * Seals keys by the transit engine of OpenBao or HashiCorp Vault: the master key never leaves that server, which also
 * keeps an audit of its own, and rotates it (`transit/keys/<key>/rotate`) without anything to do here.
 *
 * @throws TypeError when the address is no `https` URL and not on loopback
 * @example
 * const sealer = createTransitSealer({ url: 'https://vault:8200', key: 'longhaul', token: () => new Secret(readToken()) });
 */
export function createTransitSealer(options: TransitSealerOptions): KeySealer {
  const { key, mount = 'transit' } = options;
  const base = addressOf(options.url);
  const pathOf = (deed: string): string =>
    [...mount.split('/'), deed, key].map((segment) => encodeURIComponent(segment)).join('/');

  return {
    name: 'transit',
    async seal(uploadId, plain) {
      const { ciphertext } = await call(options, new URL(`v1/${pathOf('encrypt')}`, base), {
        plaintext: base64(plain.reveal()),
        associated_data: base64(contextOf(uploadId)),
      });
      if (ciphertext !== undefined) return ciphertext;
      throw new KeyVaultError('refused', `${base.host} has sealed a key and answered no ciphertext`);
    },
    async open(uploadId, sealed) {
      const { plaintext } = await call(options, new URL(`v1/${pathOf('decrypt')}`, base), {
        ciphertext: sealed,
        associated_data: base64(contextOf(uploadId)),
      });
      if (plaintext !== undefined) return new Secret(new Uint8Array(Buffer.from(plaintext, 'base64')));
      throw new KeyVaultError('refused', `${base.host} has opened a key and answered no plaintext`);
    },
  };
}

function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLoopback = url !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback))
    return new URL(url.href.replace(/\/?$/, '/'));
  throw new TypeError('url of the transit engine must begin with https://: keys travel over it');
}

interface TransitAnswer {
  readonly ciphertext?: string;
  readonly plaintext?: string;
}

async function call(options: TransitSealerOptions, url: URL, body: object): Promise<TransitAnswer> {
  const { timeoutMs = 5_000, namespace } = options;
  const token = await options.token();
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-vault-token': token.reveal(),
        ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
      },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch (cause) {
    throw new KeyVaultError('unreachable', `The transit engine at ${url.host} got no answer`, { cause });
  }
  if (response.ok) return ((await response.json()) as { readonly data: TransitAnswer }).data;
  throw await refusalOf(response, url);
}

/** A text that is not its own is refused with 400; a key that is not there, or a token without rights, with others. */
async function refusalOf(response: Response, url: URL): Promise<KeyVaultError> {
  const { status } = response;
  // Its words may repeat what was sent.
  await response.body?.cancel();
  const what = `The transit engine at ${url.host} answered ${status} to ${url.pathname}`;
  if (status >= 500 || status === 429) return new KeyVaultError('unreachable', what);
  if (status === 400 && url.pathname.includes('/decrypt/'))
    return new KeyVaultError(
      'sealed-otherwise',
      `${what}: sealed for another upload, by another key, or changed`,
    );
  return new KeyVaultError('refused', `${what}: may its token update this path, is there such a key?`);
}

function base64(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64');
}

import { type KeySealer, KeyVaultError } from '../../ports/key-vault.ts';
import { Secret } from '../../secret.ts';
import { contextOf, decrypt, encrypt } from '../aes-gcm.ts';
import type { MasterKey } from '../master-keys.ts';

const VERSION = 'e1';

/** Options of {@link createEnvelopeSealer}. */
export interface EnvelopeSealerOptions {
  /**
   * The first one seals, all of them open. To rotate, put a new one first on every replica, and drop the old one an hour
   * later: no sealed key lives longer without being used, and one that cannot be opened any more is asked for again.
   */
  readonly masterKeys: readonly MasterKey[];
}

/**
 * Seals keys with AES-256-GCM under a master key that this process holds, each bound to its upload. Whoever reads the
 * storage has nothing; whoever has the master key as well has the keys of the uploads that are on their way.
 *
 * @throws TypeError without a master key, or with two of one id
 * @example createEnvelopeSealer({ masterKeys: readMasterKeys(`2026-11:${randomBytes(32).toString('base64')}`) });
 */
export function createEnvelopeSealer({ masterKeys }: EnvelopeSealerOptions): KeySealer {
  const [first] = masterKeys;
  if (first === undefined) throw new TypeError('masterKeys must hold at least one key, got none');
  const byId = new Map(masterKeys.map(({ id, key }) => [id, key]));
  if (byId.size < masterKeys.length)
    throw new TypeError('masterKeys must have ids of their own, got one twice');

  return {
    name: 'envelope',
    async seal(uploadId, key) {
      const context = `${contextOf(uploadId)}/${first.id}`;
      return `${VERSION}.${first.id}.${await encrypt(first.key.reveal(), key.reveal(), context)}`;
    },
    async open(uploadId, sealed) {
      const [version, id = '', text = ''] = sealed.split('.');
      const master = byId.get(id);
      if (version !== VERSION || master === undefined) {
        throw new KeyVaultError(
          'sealed-otherwise',
          `A sealed key was made by the master key "${id.slice(0, 64)}", which is not among ${[...byId.keys()].join(', ')}`,
        );
      }
      return new Secret(await decrypt(master.reveal(), text, `${contextOf(uploadId)}/${id}`));
    },
  };
}

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeyVault } from '../create-key-vault.ts';
import {
  type CustomerKey,
  type KeyAuditEvent,
  type KeySealer,
  type KeyUse,
  type KeyVault,
  type SealedKeyStore,
} from '../ports/key-vault.ts';
import { Secret } from '../secret.ts';
import { formsOf } from './secret-forms.ts';

/** A vault for one run of {@link describeKeyVault}. */
export interface KeyVaultFixture {
  readonly sealer: KeySealer;
  /** One that has another master key; what the first has sealed it must not open. */
  readonly strangerSealer: KeySealer;
  /** Gives the master key of {@link sealer} a successor, and answers a sealer as it is configured then. */
  rotate(): Promise<KeySealer>;
  readonly storage: SealedKeyStore;
  /** Everything that is stored, as text: to look for keys in it. */
  dump(): Promise<string>;
  /** Lets go of servers. */
  dispose(): Promise<void>;
}

const USE: KeyUse = { owner: 'an owner', purpose: 'sign' };

/**
 * What a vault must do whose sealer or storage is yours. Run it from a vitest file.
 *
 * @param setUp other tests may use the same server, so every upload here has an id of its own
 * @example describeKeyVault('envelope in SQLite', () => setUpVault());
 */
export function describeKeyVault(name: string, setUp: () => Promise<KeyVaultFixture>): void {
  describe(`key vault contract: ${name}`, () => {
    let fixture: KeyVaultFixture;
    let vault: KeyVault;
    const audit: KeyAuditEvent[] = [];

    beforeAll(async () => {
      fixture = await setUp();
      vault = vaultOf(fixture.sealer);
    });

    afterAll(async () => {
      await fixture.dispose();
    });

    function vaultOf(sealer: KeySealer, ttlSeconds?: number): KeyVault {
      const onAudit = (event: KeyAuditEvent): void => void audit.push(event);
      return createKeyVault({
        sealer,
        storage: fixture.storage,
        onAudit,
        ...(ttlSeconds !== undefined && { ttlSeconds }),
      });
    }

    async function keep(): Promise<{ readonly uploadId: string; readonly key: CustomerKey }> {
      const uploadId = randomUUID();
      const key = new Secret(crypto.getRandomValues(new Uint8Array(32)));
      await vault.put(uploadId, key, USE);
      return { uploadId, key };
    }

    /** Puts what is stored for one upload to another one. */
    async function move(uploadId: string, change: (sealed: string) => string): Promise<string> {
      const sealed = (await fixture.storage.read(uploadId, 60)) ?? '';
      const other = randomUUID();
      await fixture.storage.write(other, change(sealed), 60);
      return other;
    }

    it('gives back what it was given, as often as it is asked', async () => {
      const { uploadId, key } = await keep();
      for (let time = 0; time < 2; time += 1)
        expect((await vault.get(uploadId, USE))?.reveal()).toStrictEqual(key.reveal());
    });

    it('replaces a key', async () => {
      const { uploadId } = await keep();
      const second = new Secret(crypto.getRandomValues(new Uint8Array(32)));
      await vault.put(uploadId, second, USE);
      expect((await vault.get(uploadId, USE))?.reveal()).toStrictEqual(second.reveal());
    });

    it('knows nothing of an upload without a key', async () => {
      expect(await vault.get(randomUUID(), USE)).toBeUndefined();
      await vault.delete(randomUUID(), USE);
    });

    it('forgets what it is told to forget', async () => {
      const { uploadId } = await keep();
      await vault.delete(uploadId, USE);
      expect(await vault.get(uploadId, USE)).toBeUndefined();
    });

    it('forgets what nobody uses any more, and lets live what is used', async () => {
      const short = vaultOf(fixture.sealer, 2);
      const [used, left] = [await keep(), await keep()];
      for (const { uploadId, key } of [used, left]) await short.put(uploadId, key, USE);
      for (let time = 0; time < 3; time += 1) {
        await sleep(900);
        expect(await short.get(used.uploadId, USE)).toBeDefined();
      }
      expect(await short.get(left.uploadId, USE)).toBeUndefined();
    });

    it('opens no key for another upload', async () => {
      const { uploadId } = await keep();
      const other = await move(uploadId, (sealed) => sealed);
      await expect(vault.get(other, USE)).rejects.toMatchObject({
        name: 'KeyVaultError',
        kind: 'sealed-otherwise',
      });
    });

    it('opens nothing that was changed', async () => {
      const { uploadId } = await keep();
      const sealed = (await fixture.storage.read(uploadId, 60)) ?? '';
      for (const at of [sealed.length - 2, sealed.length - 30]) {
        await fixture.storage.write(uploadId, flipped(sealed, at), 60);
        await expect(vault.get(uploadId, USE)).rejects.toMatchObject({ kind: 'sealed-otherwise' });
      }
      await fixture.storage.write(uploadId, sealed.slice(0, -4), 60);
      await expect(vault.get(uploadId, USE)).rejects.toMatchObject({ kind: 'sealed-otherwise' });
    });

    it('opens nothing by another master key', async () => {
      const { uploadId } = await keep();
      await expect(vaultOf(fixture.strangerSealer).get(uploadId, USE)).rejects.toMatchObject({
        // A key service may keep to itself whether that other key is there.
        kind: expect.toBeOneOf(['sealed-otherwise', 'refused']),
      });
    });

    it('opens after its master key has a successor what was sealed before', async () => {
      const { uploadId, key } = await keep();
      const before = (await fixture.storage.read(uploadId, 60)) ?? '';
      const rotated = vaultOf(await fixture.rotate());
      expect((await rotated.get(uploadId, USE))?.reveal()).toStrictEqual(key.reveal());
      await rotated.put(uploadId, key, USE);
      expect(await fixture.storage.read(uploadId, 60)).not.toBe(before);
      expect((await rotated.get(uploadId, USE))?.reveal()).toStrictEqual(key.reveal());
    });

    it('seals a key otherwise each time', async () => {
      const { uploadId, key } = await keep();
      const first = await fixture.sealer.seal(uploadId, key);
      expect(await fixture.sealer.seal(uploadId, key)).not.toBe(first);
    });

    it('leaves nothing to read in its storage', async () => {
      const { uploadId, key } = await keep();
      const dump = await fixture.dump();
      expect(dump).toContain(uploadId);
      for (const [form, text] of formsOf(key.reveal())) expect(dump.includes(text), form).toBe(false);
    });

    it('tells the audit of each use, and never of the key', async () => {
      audit.length = 0;
      const { uploadId, key } = await keep();
      await vault.get(uploadId, { owner: 'an owner', purpose: 'prove' });
      await vault.delete(uploadId, { owner: 'an owner', purpose: 'end' });
      await vault.get(uploadId, USE);
      const event = { uploadId, owner: 'an owner', sealer: fixture.sealer.name };
      expect(audit).toMatchObject([
        { ...event, deed: 'put', purpose: 'sign', outcome: 'done' },
        { ...event, deed: 'get', purpose: 'prove', outcome: 'done' },
        { ...event, deed: 'delete', purpose: 'end', outcome: 'done' },
        { ...event, deed: 'get', purpose: 'sign', outcome: 'absent' },
      ]);
      const told = JSON.stringify(audit);
      for (const [form, text] of formsOf(key.reveal())) expect(told.includes(text), form).toBe(false);
    });

    it('tells the audit of a key that could not be opened', async () => {
      const { uploadId } = await keep();
      audit.length = 0;
      await expect(vaultOf(fixture.strangerSealer).get(uploadId, USE)).rejects.toThrow();
      expect(audit).toMatchObject([{ uploadId, deed: 'get', outcome: 'failed' }]);
    });
  });
}

/** Another letter of the alphabet of base64, at one place. */
function flipped(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

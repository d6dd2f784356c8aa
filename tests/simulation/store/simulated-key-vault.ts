import type { CustomerKey, KeyVault } from '@longhaul/coordinator/key-vault';

/** A vault that forgets by itself what was not asked for in an hour. */
export interface SimulatedKeyVault {
  readonly vault: KeyVault;
  /** Whether a key is kept under that id. */
  readonly has: (id: string) => boolean;
}

/** The longest that a vault may keep a key that nobody asks for. */
const TTL_MS = 3_600_000;

/** An empty vault. */
export function createSimulatedKeyVault(nowEpochMs: () => number): SimulatedKeyVault {
  const keys = new Map<string, { readonly key: CustomerKey; readonly untilEpochMs: number }>();
  const find = (id: string): CustomerKey | undefined => {
    const kept = keys.get(id);
    return kept && kept.untilEpochMs > nowEpochMs() ? kept.key : undefined;
  };
  const keep = (id: string, key: CustomerKey): void =>
    void keys.set(id, { key, untilEpochMs: nowEpochMs() + TTL_MS });
  return {
    vault: {
      put: async (id, key) => keep(id, key),
      async get(id) {
        const key = find(id);
        if (key) keep(id, key);
        return key;
      },
      delete: async (id) => void keys.delete(id),
    },
    has: (id) => find(id) !== undefined,
  };
}

import type { CoordinatorOptions } from '../../src/index.ts';

/** Ports of a process that dies at its n-th call of them, before or after the call has had its effect. */
export function mortal(
  options: CoordinatorOptions,
  dieAt: number,
  isAfter: boolean,
): { readonly calls: readonly string[]; readonly options: CoordinatorOptions } {
  const calls: string[] = [];
  const guard = <Port extends object>(port: Port, name: string): Port =>
    new Proxy(port, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        // It answers at once, and asks nobody.
        if (typeof value !== 'function' || property === 'locationOf') return value;
        return async (...given: unknown[]) => {
          const call = calls.push(`${name}.${String(property)}`);
          const isLast = call === dieAt;
          if (call > dieAt || (isLast && !isAfter)) return await new Promise(() => {});
          const answer: unknown = await value.apply(target, given);
          return isLast ? await new Promise(() => {}) : answer;
        };
      },
    });
  const { catalog, objectStore, keyVault: vault } = options;
  const rotations = guard(catalog.rotations, 'rotations');
  const guarded = guard(catalog, 'catalog');
  return {
    calls,
    options: {
      ...options,
      catalog: new Proxy(guarded, {
        get: (target, name) => (name === 'rotations' ? rotations : (Reflect.get(target, name) as unknown)),
      }),
      objectStore: guard(objectStore, 'store'),
      ...(vault && { keyVault: guard(vault, 'vault') }),
    } satisfies CoordinatorOptions,
  };
}

import type { Catalog } from '@longhaul/coordinator';

/** Where records and events say an object key. */
const KEYS = new Set(['s3Key', 'sourceKey', 'key', 'previousKey', 'subject']);

/** A catalog whose answers say other object keys than its rows. */
export function renamed(catalog: Catalog, nameOf: (key: string) => string): Catalog {
  return {
    ...throughNames(catalog, nameOf),
    outbox: throughNames(catalog.outbox, nameOf),
    rotations: throughNames(catalog.rotations, nameOf),
  };
}

function throughNames<Port extends object>(port: Port, nameOf: (key: string) => string): Port {
  const wrapped = Object.entries(port).map(([method, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [method, value];
    return [method, async (...values: unknown[]) => rename(await value(...values), nameOf)];
  });
  // The same names with the same signatures: only keys differ.
  return Object.fromEntries(wrapped) as Port;
}

function rename(value: unknown, nameOf: (key: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => rename(one, nameOf));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, member]: [string, unknown]) => [
    name,
    typeof member === 'string' && KEYS.has(name) ? nameOf(member) : rename(member, nameOf),
  ]);
  return Object.fromEntries(entries) as unknown;
}

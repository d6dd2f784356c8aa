const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
  ti: 1024 ** 4,
};

/**
 * Reads a number of bytes as people write it: `1500`, `40M` and `40MB` (10⁶), `16MiB` and `16Mi` (2²⁰).
 *
 * @throws RangeError if it is none, or not above 0
 */
export function parseByteSize(text: string): number {
  const [, number = '', unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?\s*$/i.exec(text) ?? [];
  const bytes = Math.round(Number(number) * (UNITS[unit.toLowerCase()] ?? 0));
  if (bytes > 0) return bytes;
  throw new RangeError(
    `"${text}" is no size. Write it like 1500, 40M (40,000,000) or 16MiB (16 × 1,048,576).`,
  );
}

/**
 * Reads a rate in bytes per second: a size, with or without `/s`.
 *
 * @throws RangeError if it is none, or not above 0
 */
export function parseByteRate(text: string): number {
  return parseByteSize(text.replace(/\/s\s*$/i, ''));
}

/** Bytes for people: `532 B`, `12.3 MB`, `1.20 GB`. */
export function formatBytes(bytes: number): string {
  const steps = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = Math.min(steps.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1_000 ** step;
  const digits = step === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${steps[step]}`;
}

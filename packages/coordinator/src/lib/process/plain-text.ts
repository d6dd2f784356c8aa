const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A span of time in its two largest units: `3 d 4 h`, `12 min 5 s`. */
export function formatSpan(spanMs: number): string {
  let restSeconds = Math.max(0, Math.floor(spanMs / 1000));
  const words: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const count = Math.floor(restSeconds / seconds);
    restSeconds -= count * seconds;
    if (count > 0) words.push(`${count} ${unit}`);
    else if (words.length > 0) break;
  }
  return words.slice(0, 2).join(' ') || '0 s';
}

/** A count with its noun: `1 event`, `2 events`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Columns under their heads. What others have written cannot move the cursor or break a line. */
export function formatTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows].map((row) => row.map((cell) => cell.replaceAll(/\p{Cc}+/gu, ' ')));
  const widths = heads.map((_, column) => Math.max(...lines.map((row) => row[column]?.length ?? 0)));
  return lines
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

import { createHash } from 'node:crypto';

/** Lines with an end that agrees with them, as a program would write it. */
export function sealed(lines: readonly string[]): string {
  const body = lines.map((line) => `${line}\n`).join('');
  const counts = { nodes: 0, rotations: 0, events: 0, parts: 0 };
  for (const line of lines.slice(1)) counts[(JSON.parse(line) as { kind: keyof typeof counts }).kind] += 1;
  const sha256 = createHash('sha256').update(body).digest('hex');
  return `${body}${JSON.stringify({ end: { ...counts, sha256 } })}\n`;
}

/** The lines of a file, without its end. */
export function unsealed(text: string): string[] {
  return text.trimEnd().split('\n').slice(0, -1);
}

import type { ChildProcess } from 'node:child_process';

/**
 * The first line that a backend prints: where it listens.
 *
 * @throws Error if it ends before
 */
export async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) return text.trim();
  }
  throw new Error('the backend ended before it listened');
}

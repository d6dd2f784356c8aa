import { join } from 'node:path';
import type { PageName } from './build-pages.ts';
import type { PageTarget } from './page-target.ts';

/** The command that uploads `file` once from a page in a fresh Chromium, and prints what it cost. */
export function pageCommand(
  chromium: string,
  page: PageName,
  file: string,
  target: PageTarget,
): readonly string[] {
  const script = join(import.meta.dirname, 'upload-in-chromium.ts');
  return [process.execPath, script, chromium, page, file, JSON.stringify(target)];
}

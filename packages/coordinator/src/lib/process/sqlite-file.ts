import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ConfigError } from './config.ts';
import { fileProblem } from './file-problem.ts';

/**
 * SQLite itself says no more than that it could not open the file, and the token key is made beside it before.
 *
 * @throws ConfigError when there can be no such file
 */
export async function checkSqliteFile(path: string): Promise<void> {
  const problem = (what: string): ConfigError => new ConfigError([`LONGHAUL_SQLITE_FILE=${path}: ${what}`]);
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing
      ? problem(`its folder ${folder} is not there. Make it, or name another file`)
      : problem(`nothing can be written to its folder ${folder}: ${fileProblem(error)}`);
  });
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) throw problem('it is a folder. Name a file in it');
}

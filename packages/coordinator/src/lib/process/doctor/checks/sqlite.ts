import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** The file that remembers uploads on one machine. It is not made here. */
export async function checkSqlite({ config: { memory } }: Patient): Promise<readonly Finding[]> {
  if (memory.kind !== 'sqlite') return [];
  const path = resolve(memory.path);
  const folder = dirname(path);
  const isThere = await may(path, constants.F_OK);
  // SQLite keeps its log in files beside it, so the folder counts as well.
  const isWritable = (await may(folder, constants.W_OK)) && (!isThere || (await may(path, constants.W_OK)));
  if (isWritable) {
    return [good('sqlite', `uploads are remembered in ${path}${isThere ? '' : ', which serve will make'}`)];
  }
  return [
    {
      id: 'sqlite-not-writable',
      level: 'error',
      what: `this user may not write ${isThere ? path : folder}`,
      why: 'uploads are remembered in one file, with its log beside it',
      fix:
        `chown "$(id -un)" ${folder} ${isThere ? path : ''}`.trimEnd() +
        '   # or another LONGHAUL_SQLITE_FILE',
    },
  ];
}

async function may(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}

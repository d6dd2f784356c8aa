import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesOfFolder, type FolderOptions, type NamedInput } from '@longhaul/sdk/many';

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'longhaul-folder-')), 'photos');
  await mkdir(join(folder, '2024', 'empty'), { recursive: true });
  for (const name of ['b.jpg', 'a.jpg', '.hidden', '2024/cat.jpg', '2024/.git', 'ä ☃.txt'])
    await writeFile(join(folder, name), name);
});
afterEach(async () => await rm(join(folder, '..'), { recursive: true }));

async function listOf(place: string, options?: FolderOptions): Promise<readonly NamedInput<string>[]> {
  const files: NamedInput<string>[] = [];
  for await (const file of filesOfFolder(place, options)) files.push(file);
  return files;
}

async function namesIn(place: string, options?: FolderOptions): Promise<readonly string[]> {
  return (await listOf(place, options)).map(({ name }) => name);
}

describe('filesOfFolder', () => {
  it('finds every file, hidden ones too, sorted, under its path from the folder’s own name on', async () => {
    const files = await listOf(`${folder}/`);
    expect(files).toEqual(
      ['.hidden', '2024/.git', '2024/cat.jpg', 'a.jpg', 'b.jpg', 'ä ☃.txt'].map((name) => ({
        input: join(folder, name),
        name: `photos/${name}`,
        sizeBytes: Buffer.byteLength(name),
      })),
    );
  });

  it('leaves links and what is no file out, and says so', async () => {
    await symlink('a.jpg', join(folder, 'link'));
    await symlink('2024', join(folder, 'link-to-folder'));
    const socket = createServer().listen(join(folder, 'socket'));
    const skipped: string[] = [];
    const names = await namesIn(folder, { onSkip: (path, reason) => skipped.push(`${path}: ${reason}`) });
    socket.close();
    expect(names).toHaveLength(6);
    expect(skipped).toEqual([
      `${folder}/link: a symbolic link`,
      `${folder}/link-to-folder: a symbolic link`,
      `${folder}/socket: not a regular file`,
    ]);
  });

  it('follows links where that is wanted, but not in a circle', async () => {
    await symlink('a.jpg', join(folder, 'link'));
    await symlink('..', join(folder, '2024', 'up'));
    await symlink('nowhere', join(folder, 'z-broken'));
    const skipped: string[] = [];
    const names = await namesIn(folder, { followLinks: true, onSkip: (path) => skipped.push(path) });
    expect(names).toContain('photos/link');
    expect(skipped).toEqual([`${folder}/2024/up`]);
    // It cannot be opened, which its own upload will say.
    expect(names.at(-2)).toBe('photos/z-broken');
    expect(names).toHaveLength(8);
  });

  it('lists what it cannot look into, so that nothing is missing without a word', async () => {
    expect(await namesIn(join(folder, 'absent'))).toEqual(['absent']);
  });
});

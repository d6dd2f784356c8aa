import { CheckFailure, mustRun } from './command.ts';
import { entryFiles, findFiles, readPackages } from './workspace.ts';

/** Every export of every entry has a doc comment, and every link in one leads somewhere. */
export async function checkDocs(): Promise<void> {
  const entries = (await readPackages()).flatMap(entryFiles);
  const present = await findFiles(...entries);
  const absent = entries.filter((entry) => !present.includes(entry));
  if (absent.length > 0)
    throw new CheckFailure(`package.json exports what is not there:\n  ${absent.join('\n  ')}`);
  await mustRun('typedoc', ['--options', 'typedoc.json', '--emit', 'none', ...entries]);
}

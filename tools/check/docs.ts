import { CheckFailure, mustRun } from './command.ts';
import { entryFiles, findFiles, readPackages } from './workspace.ts';

/** Every export of every entry has a doc comment, and every link in one leads somewhere. */
export async function checkDocs(): Promise<void> {
  const packages = await readPackages();
  const entries = packages.flatMap(entryFiles);
  const present = await findFiles(...entries);
  const absent = entries.filter((entry) => !present.includes(entry));
  if (absent.length > 0) {
    throw new CheckFailure(`package.json exports what is not there:\n  ${absent.join('\n  ')}`);
  }
  // typedoc asks for comments only in packages that it is told of, and by itself it finds the workspace's root, no package.
  const asked = packages.flatMap(({ name }) => ['--packagesRequiringDocumentation', name]);
  await mustRun('typedoc', ['--options', 'typedoc.json', '--emit', 'none', ...asked, ...entries]);
}

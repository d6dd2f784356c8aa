/** Installs Debian packages: one `apt-get update` and one `apt-get install` for everything that is missing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram, lastLines, runCommand, type CommandResult } from './command.ts';

const UPDATE_LIMIT_MS = 4 * 60_000;
const INSTALL_LIMIT_MS = 12 * 60_000;
const LOCK_WAIT_SECONDS = 300;
const LOCK_RETRY_MS = 5_000;

// Debian starts what it installs; exit status 101 from this file forbids it. Ours is removed again.
const INSTALL_SCRIPT = `
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
  -o DPkg::Lock::Timeout=${LOCK_WAIT_SECONDS} -o Dpkg::Use-Pty=0 "$@"
`;

/** What is wanted: for each service the packages that hold its programs. */
export type WantedPackages = ReadonlyMap<string, readonly string[]>;

/**
 * Installs the packages of all services at once.
 * @returns for each service that got nothing the reason; a service that is absent was installed
 */
export async function installPackages(
  wanted: WantedPackages,
  log: (line: string) => void,
): Promise<Map<string, string>> {
  if (wanted.size === 0) return new Map();
  const rights = await findRights();
  if (typeof rights === 'string') return forAll(wanted, rights);

  log('apt-get update');
  await updateLists(rights, log);
  const { known, unknown } = await splitByCandidate(wanted);
  if (known.size === 0) return unknown;

  const packages = [...new Set([...known.values()].flat())];
  log(`apt-get install ${packages.join(' ')}`);
  const result = await install(rights, packages);
  if (result.code === 0) return unknown;
  return new Map([...unknown, ...(await installOneByOne(rights, known, result))]);
}

/** The words that must stand before a command for it to run as root, or why it cannot. */
async function findRights(): Promise<readonly string[] | string> {
  if ((await findProgram(['apt-get'])) === undefined) return 'there is no apt-get on this machine';
  if (process.getuid?.() === 0) return [];
  const sudo = await runCommand('sudo', ['-n', 'true']);
  return sudo.code === 0 ? ['sudo', '-n'] : 'apt-get needs root or sudo without a password';
}

async function updateLists(rights: readonly string[], log: (line: string) => void): Promise<void> {
  const deadline = performance.now() + LOCK_WAIT_SECONDS * 1000;
  for (;;) {
    const result = await runAs(rights, ['apt-get', 'update', '--quiet'], UPDATE_LIMIT_MS);
    if (result.code === 0) return;
    if (!isLocked(result) || performance.now() > deadline) {
      // The lists that are there may still do.
      log(`apt-get update failed, going on with the lists at hand: ${lastLines(result, 2)}`);
      return;
    }
    log('apt is busy with somebody else, waiting');
    await sleep(LOCK_RETRY_MS);
  }
}

function isLocked(result: CommandResult): boolean {
  return /could not get lock|unable to lock/i.test(result.stderr);
}

/** apt refuses a whole call for one unknown name, so names that it does not know are taken out first. */
async function splitByCandidate(
  wanted: WantedPackages,
): Promise<{ known: Map<string, readonly string[]>; unknown: Map<string, string> }> {
  const known = new Map<string, readonly string[]>();
  const unknown = new Map<string, string>();
  for (const [service, packages] of wanted) {
    const absent = await findAbsent(packages);
    if (absent.length === 0) known.set(service, packages);
    else unknown.set(service, `apt has no package ${absent.join(', ')}`);
  }
  return { known, unknown };
}

async function findAbsent(packages: readonly string[]): Promise<string[]> {
  const answers = await Promise.all(
    packages.map((name) => runCommand('apt-cache', ['show', '--no-all-versions', name])),
  );
  return packages.filter((_, index) => answers[index]?.code !== 0);
}

function install(rights: readonly string[], packages: readonly string[]): Promise<CommandResult> {
  return runAs(rights, ['sh', '-c', INSTALL_SCRIPT, 'install', ...packages], INSTALL_LIMIT_MS);
}

/** After a failed call for all: one service's broken package must not cost the others theirs. */
async function installOneByOne(
  rights: readonly string[],
  known: ReadonlyMap<string, readonly string[]>,
  first: CommandResult,
): Promise<Map<string, string>> {
  if (known.size === 1) return forAll(known, `apt-get install failed: ${lastLines(first, 3)}`);
  const failed = new Map<string, string>();
  for (const [service, packages] of known) {
    const result = await install(rights, packages);
    if (result.code !== 0) failed.set(service, `apt-get install failed: ${lastLines(result, 3)}`);
  }
  return failed;
}

function runAs(
  rights: readonly string[],
  words: readonly string[],
  timeoutMs: number,
): Promise<CommandResult> {
  const [command = '', ...args] = [...rights, ...words];
  // Not tied to any signal: dpkg cut in the middle leaves a machine that someone has to mend by hand.
  return runCommand(command, args, { timeoutMs });
}

function forAll(wanted: WantedPackages, reason: string): Map<string, string> {
  return new Map(
    [...wanted].map(([service, packages]) => [
      service,
      `${reason} (wanted: apt-get install ${packages.join(' ')})`,
    ]),
  );
}

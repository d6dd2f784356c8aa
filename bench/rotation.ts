// A large object is given another encryption at a real store, past the coordinator, which is killed over it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ceph } from '../tests/services/ceph.ts';
import { minio } from '../tests/services/minio.ts';
import { createLog } from '../tests/services/progress.ts';
import { withServices } from '../tests/services/run-services.ts';
import type { Report } from './rotation/measure.ts';
import { formatReport } from './rotation/report.ts';

const HELP = `Uploads an object to a real store over TLS, and gives it a key of its owner's, or another one, by a copy at the store.

Usage
  npx --yes pnpm@12 bench rotation [--server ceph] [--size-mib 6144] [--json]

  --server ceph   Ceph with a store on disk: an object without encryption gets a key (Ceph copies none that has one)
  --server minio  MinIO: an object with a key gets another one

Two coordinators, processes of their own, are asked for two different keys at once; one is refused. When a third of the
parts are copied, the one that copies is killed with SIGKILL; the other waits until its lease is over (a minute), and goes on. All
that the two exchange with the store goes through a counter; the object's own bytes must not be among it. In the end the object
is read back with the key that won, and refused to every other one.

Needs twice the object on disk, and Linux. Exit status 1: something of this does not hold.
`;
const SERVICES = { ceph, minio } as const;

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: 'ceph' },
    'size-mib': { type: 'string', default: '6144' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const service = Object.values(SERVICES).find(({ name }) => name === values.server);
  const sizeMiB = Number(values['size-mib']);
  if (!service || !(sizeMiB >= 1)) {
    process.stderr.write(HELP);
    process.exitCode = 2;
    return;
  }
  // In memory there is no place for so much.
  process.env['LONGHAUL_TEST_CEPH_STORE'] = 'bluestore';
  const report = await withServices([service], createLog(), async ({ env, reports }) => {
    const lack = reports.find((had) => had.state === 'unavailable');
    if (lack) throw new Error(`${lack.name}: ${lack.reason}`);
    return await measure([service.name, String(sizeMiB * 1024 ** 2)], env);
  });
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : formatReport(report));
  process.exitCode = report.broken.length === 0 ? 0 : 1;
}

/** In a process of its own: one that runs already does not trust the certificate of the servers. */
async function measure(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Report> {
  const child = fork(join(import.meta.dirname, 'rotation/measure.ts'), args, {
    env: { ...process.env, ...env },
  });
  let report: Report | undefined;
  child.on('message', (message) => (report = message as Report));
  await once(child, 'exit');
  if (!report) throw new Error('nothing was measured');
  return report;
}

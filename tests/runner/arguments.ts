import { parseArgs } from 'node:util';

/** The two kinds of tests, by file suffix: `*.test.ts` and `*.services.test.ts`. */
export type Project = 'fast' | 'services';

/** What the person who typed the command wants. */
export type Wish =
  | { readonly kind: 'help' }
  | { readonly kind: 'mistake'; readonly message: string }
  | {
      readonly kind: 'run';
      readonly filters: readonly string[];
      readonly only: Project | undefined;
      readonly startServices: boolean;
      readonly json: boolean;
    };

/** Taught by `--help`. */
export const HELP = `Runs every test; provisions, starts and stops the servers that the tests talk to.

  npx --yes pnpm@12 test [FILTER…] [--only fast|services] [--no-services] [--json]

  FILTER…        only test files whose path contains one of these words
  --only fast    only *.test.ts, which need nothing but Node; starts no servers
  --only services  only *.services.test.ts
  --no-services  start nothing; what an address in the environment points to is still used
  --json         one JSON object on stdout, everything else on stderr
  --help         this text

Servers: Redis, Redis Cluster, Postgres, Kafka, versitygw, Ceph radosgw, MinIO, OpenBao, moto (KMS), Chromium,
schemathesis. For each one the first way that works:
  1. the address in the environment (then it is neither started nor stopped)
       LONGHAUL_TEST_REDIS_URL=redis://HOST:PORT
       LONGHAUL_TEST_REDIS_CLUSTER=HOST:PORT,HOST:PORT,HOST:PORT
       LONGHAUL_TEST_POSTGRES_URL=postgres://USER@HOST:PORT/DATABASE
       LONGHAUL_TEST_KAFKA_BROKERS=HOST:PORT
       LONGHAUL_TEST_VERSITYGW_URL=http://HOST:PORT   with …_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY
       LONGHAUL_TEST_CEPH_URL=http://HOST:PORT        with …_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY, and …_CONFIG=/path/to/ceph.conf
                                                      for those tests that run its garbage collection
       LONGHAUL_TEST_CHROMIUM=/path/to/chromium
       LONGHAUL_TEST_SCHEMATHESIS=/path/to/schemathesis
  2. the program, if it is on this machine
  3. a native install: apt (as root or with sudo that asks no password), go install for versitygw and MinIO, Maven for
     Kafka, pip for OpenBao, moto and
     schemathesis
  4. Docker, if an engine runs
A server that cannot be had is named with the reason and its tests are skipped; with CI=true that is a failure.

Examples
  npx --yes pnpm@12 test                          everything
  npx --yes pnpm@12 test --only fast              seconds, no servers
  npx --yes pnpm@12 test packages/sdk             one package
  node tests/services/start.ts redis postgres     only start servers, for work by hand

Exit status: 0 all passed; 1 a test failed, nothing ran, or CI=true and a server is missing; 130 after Ctrl-C.
The last line is always "N passed, N failed, N skipped".
`;

/** Reads the command line. Never throws: a mistake is a wish of its own, with a message that says what to do. */
export function parseWish(args: readonly string[]): Wish {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        only: { type: 'string' },
        'no-services': { type: 'boolean' },
        json: { type: 'boolean' },
      },
    });
    if (values.help === true) return { kind: 'help' };
    const { only } = values;
    if (only !== undefined && only !== 'fast' && only !== 'services') {
      return { kind: 'mistake', message: `--only takes fast or services, not ${only}` };
    }
    return {
      kind: 'run',
      filters: positionals,
      only,
      startServices: values['no-services'] !== true && only !== 'fast',
      json: values.json === true,
    };
  } catch (error) {
    return { kind: 'mistake', message: error instanceof Error ? error.message : String(error) };
  }
}

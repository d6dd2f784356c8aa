import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { settingsOf } from '../../coordinator-settings.ts';
import { type CliWorld, type Command, EXIT, HELP_ENDING, readInteger, UsageError } from '../command.ts';
import { readConfig, type ServeConfig } from '../config.ts';
import { describeDiagnosis, exitOf, FOUND_WARNINGS } from '../doctor/describe.ts';
import { diagnose } from '../doctor/diagnose.ts';
import { measuredProfile } from '../doctor/measured-profile.ts';
import type { Diagnosis, Patient } from '../doctor/patient.ts';
import { bucketPolicy, coordinatorPolicy, operatorPolicy } from '../doctor/policies.ts';
import { findUnknownObjects, unknownObjectsFinding } from '../doctor/reconcile-objects.ts';
import { repair } from '../doctor/repair.ts';
import { cannotWrite } from '../file-problem.ts';
import { withCatalog } from '../with-ports.ts';
import { wireDoctor } from '../wire-doctor.ts';

const DEFAULT_LONGEST_DAYS = '7';
const MOST_DAYS = 3_650;

/** `longhaul-coordinator doctor` */
export const doctor: Command = {
  name: 'doctor',
  summary: 'look at the bucket and the servers, and say what to mend and how',
  help: `longhaul-coordinator doctor [--origin URL]… [--longest-days N] [--fix [--yes]] [--reconcile] [--write-profile FILE] [--json]
longhaul-coordinator doctor --print-policy

Looks at everything that uploads need, as it really is: credentials, clock, region and rights; CORS by a preflight of each
origin; lifecycle rules, versions, locks, public access; and, by small uploads, what the store enforces (signed lengths and
headers, checksums, conditions, encryption) against its profile. Then SQLite, or Redis and Postgres, and Kafka. It writes
some small objects under the fixed beginning of LONGHAUL_KEY_TEMPLATE and removes them again. It takes seconds.

Each finding has a stable id, says why it matters, and gives the command or document that mends it: docs/doctor.md.

Options
  --origin URL          a page's origin, for example https://app.example.com; may be repeated. Default: LONGHAUL_CORS_ORIGINS
  --longest-days N      the longest that one of your uploads may take, for the bucket's rules; default ${DEFAULT_LONGEST_DAYS}
  --fix                 offer to add the CORS and lifecycle rules that are missing; asks before each; then looks again
  --yes                 with --fix: do not ask
  --reconcile           compare the objects under the prefix with the catalog, too: which of them does no row know?
  --write-profile FILE  measure the store, by some 12 MiB more, and write what it can do; use it: S3_PROFILE_FILE=FILE
  --print-policy        print the least rights as policies of IAM, and a bucket policy; asks nobody
  --json                one JSON object on stdout: { "bucket", "endpoint", "profile", "findings", "repaired",
                        "unknownObjects"?: at most 10,000 of { "key", "sizeBytes", "lastModified" } }

Exit status: 0 all is well (notes are no trouble); 1 an error was found, or a repair failed; 2 usage; ${FOUND_WARNINGS} warnings and no error.

Examples
  longhaul-coordinator doctor --origin https://app.example.com
  longhaul-coordinator doctor --origin https://app.example.com --fix
  longhaul-coordinator doctor --json | jq '.findings[] | select(.level == "error") | .fix'
  longhaul-coordinator doctor --print-policy | jq .coordinator > policy.json

${HELP_ENDING}`,
  async run(args, world) {
    const wish = readWish(args);
    const config = readConfig(world.env);
    if (wish.printPolicy) {
      world.say(JSON.stringify(policiesFor(config), undefined, 2));
      return EXIT.done;
    }
    const patient = await wireDoctor(config, {
      origins: wish.origins ?? (config.corsOrigins ?? []).filter((origin) => origin !== '*'),
      longestDays: wish.longestDays,
      thorough: wish.profileFile !== undefined,
    });
    try {
      return await runDoctor(patient, wish, world);
    } finally {
      await patient.close();
    }
  },
};

interface CommandWish {
  readonly origins: readonly string[] | undefined;
  readonly longestDays: number;
  readonly fix: boolean;
  readonly yes: boolean;
  readonly profileFile: string | undefined;
  readonly reconcile: boolean;
  readonly printPolicy: boolean;
  readonly json: boolean;
}

function readWish(args: readonly string[]): CommandWish {
  const { values } = parseArgs({
    args: [...args],
    options: {
      origin: { type: 'string', multiple: true },
      'longest-days': { type: 'string', default: DEFAULT_LONGEST_DAYS },
      fix: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      'write-profile': { type: 'string' },
      reconcile: { type: 'boolean', default: false },
      'print-policy': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  if (values.yes && !values.fix) throw new UsageError('--yes belongs to --fix.');
  return {
    origins: values.origin?.map(readOrigin),
    longestDays: readInteger('--longest-days', values['longest-days'], [1, MOST_DAYS]),
    fix: values.fix,
    yes: values.yes,
    profileFile: values['write-profile'],
    reconcile: values.reconcile,
    printPolicy: values['print-policy'],
    json: values.json,
  };
}

function readOrigin(given: string): string {
  if (URL.canParse(given) && new URL(given).origin === given) return given;
  throw new UsageError(
    `--origin must be an origin as browsers send it, for example https://app.example, got "${given}".`,
  );
}

function policiesFor({ store, settings }: ServeConfig): Readonly<Record<string, unknown>> {
  const { keyTemplate, ...others } = settingsOf(settings);
  const [keyPrefix = ''] = keyTemplate.split('{');
  const scope = { bucket: { bucket: store.bucket }, keyPrefix, settings: others };
  return {
    coordinator: coordinatorPolicy(scope),
    operator: operatorPolicy(scope),
    bucket: bucketPolicy(scope),
  };
}

async function runDoctor(patient: Patient, wish: CommandWish, world: CliWorld): Promise<number> {
  let diagnosis = await diagnose(patient);
  const repaired = wish.fix ? await repair(diagnosis.findings, wish.yes, world) : [];
  // Looked at again: what was put there is not yet what works.
  if (repaired.length > 0) diagnosis = await diagnose(patient);
  if (wish.profileFile !== undefined) await writeProfile(wish.profileFile, patient, diagnosis);
  const unknown = wish.reconcile
    ? await withCatalog(world, (catalog) => findUnknownObjects(patient.bucket, catalog))
    : undefined;
  if (unknown) {
    const finding = unknownObjectsFinding(patient.keyPrefix, unknown);
    diagnosis = { ...diagnosis, findings: [...diagnosis.findings, finding] };
  }
  const more = { repaired, ...(unknown && { unknownObjects: unknown.objects }) };
  world.say(wish.json ? toJson(patient, diagnosis, more) : describeDiagnosis(diagnosis.findings));
  if (!wish.json && wish.profileFile !== undefined && diagnosis.store)
    world.say(`Written: ${wish.profileFile}. Use it by S3_PROFILE_FILE=${wish.profileFile}`);
  return exitOf(diagnosis.findings);
}

async function writeProfile(path: string, patient: Patient, { store }: Diagnosis): Promise<void> {
  if (!store) return;
  const profile = measuredProfile(patient.profile, { endpoint: patient.bucket.endpoint, ...store });
  await writeFile(path, `${JSON.stringify(profile, undefined, 2)}\n`).catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
}

function toJson(patient: Patient, { findings }: Diagnosis, more: object): string {
  const { bucket, endpoint } = patient.bucket;
  return JSON.stringify({
    bucket,
    endpoint,
    profile: patient.profile.name,
    findings: findings.map(({ id, level, what, why, fix }) => ({ id, level, what, why, fix })),
    ...more,
  });
}

import { checkAccess } from './checks/access.ts';
import { checkBehaviour } from './checks/behaviour.ts';
import { checkPublicAccess, checkVersioning } from './checks/bucket.ts';
import { checkCors } from './checks/cors.ts';
import { checkEncryption } from './checks/encryption.ts';
import { checkKafka } from './checks/kafka.ts';
import { checkLifecycle } from './checks/lifecycle.ts';
import { checkPostgres } from './checks/postgres.ts';
import { checkRedis } from './checks/redis.ts';
import { checkRights } from './checks/rights.ts';
import { checkSqlite } from './checks/sqlite.ts';
import { type Finding, good } from './finding.ts';
import type { Check, Diagnosis, Patient } from './patient.ts';

/** Looks at everything, and leaves the bucket as it was. */
export async function diagnose(patient: Patient): Promise<Diagnosis> {
  const servers: readonly Check[] = [checkSqlite, checkRedis, checkPostgres, checkKafka];
  const [bucket, ...others] = await Promise.all([
    diagnoseStore(patient),
    ...servers.map((check) => guarded(() => check(patient))),
  ]);
  return { ...bucket, findings: [...bucket.findings, ...others.flat()] };
}

async function diagnoseStore(patient: Patient): Promise<Diagnosis> {
  let store: Diagnosis['store'];
  const findings = await guarded(async () => {
    const access = await checkAccess(patient);
    if (!access.isIn) return access.findings;
    const examined = await guarded(async () => {
      const seen = await examine(patient);
      store = seen.store;
      return seen.findings;
    });
    return [...access.findings, ...examined, ...(await guarded(() => checkLeftovers(patient)))];
  });
  return { findings, store };
}

/** Settings first: nothing is written to a bucket that would not let go of it. */
async function examine(patient: Patient): Promise<Diagnosis> {
  const settings = await patient.bucket.settings();
  const isLocked = 'value' in settings.defaultLock && settings.defaultLock.value;
  const read = [...checkVersioning(patient, settings), ...checkLifecycle(patient, settings)];
  if (isLocked) return { findings: read, store: undefined };
  const rights = await checkRights(patient);
  if (!rights.mayStore) return { findings: [...rights.findings, ...read], store: undefined };
  const cors = await guarded(() => checkCors(patient));
  const open = await guarded(() => checkPublicAccess(patient));
  const measured = await patient.bucket.measure({ thorough: patient.wish.thorough });
  return {
    findings: [
      ...rights.findings,
      ...cors,
      ...read,
      ...open,
      ...checkEncryption(patient, settings, measured),
      ...checkBehaviour(patient, settings, measured),
    ],
    store: { settings, seen: measured },
  };
}

async function checkLeftovers({ bucket }: Patient): Promise<readonly Finding[]> {
  const { prefix, objects, openUploads } = await bucket.leaveNothing();
  if (objects + openUploads === 0) return [good('leftovers', 'the doctor has left nothing in the bucket')];
  return [
    {
      id: 'leftovers',
      level: 'warning',
      what: `the doctor could not remove ${objects} objects and ${openUploads} open uploads under ${prefix}`,
      why: 'they are small, and they are billed',
      fix: `aws s3 rm --recursive s3://${bucket.bucket}/${prefix}`,
    },
  ];
}

/** A check that fails is a finding: the others go on. */
async function guarded(check: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [
      {
        id: 'check-failed',
        level: 'error',
        what: `a check could not be made: ${error instanceof Error ? error.message : String(error)}`,
        why: 'what it looks at is not known to be right',
      },
    ];
  }
}

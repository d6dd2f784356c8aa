import type { BucketSettings } from '../../../ports/bucket-probe.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** Versions and locks. */
export function checkVersioning(
  { bucket }: Patient,
  { versioning, defaultLock }: BucketSettings,
): readonly Finding[] {
  const findings: Finding[] = [];
  if ('value' in defaultLock && defaultLock.value) {
    findings.push({
      id: 'default-lock',
      level: 'warning',
      what: `objects of ${bucket.bucket} are locked as soon as they are written (Object Lock, default retention)`,
      why: 'a cancelled upload that was stored at the last moment cannot be removed; the doctor writes nothing there, so the store was not measured',
      fix: 'measure a bucket without default retention at the same store: S3_BUCKET=… longhaul-coordinator doctor --write-profile profile.json',
    });
  }
  if ('value' in versioning && versioning.value === 'suspended') {
    findings.push({
      id: 'versioning-suspended',
      level: 'warning',
      what: `versioning of ${bucket.bucket} is suspended`,
      why: 'new objects have the version "null", which the next write of the key replaces; old versions stay and are billed',
      fix: `aws s3api put-bucket-versioning --bucket ${bucket.bucket} --versioning-configuration Status=Enabled   # or remove the old versions by a lifecycle rule`,
    });
  }
  if (findings.length > 0) return findings;
  const state = 'value' in versioning ? versioning.value : `unknown (${versioning.unreadable})`;
  return [good('versioning', `versioning of ${bucket.bucket}: ${state}`)];
}

/** What strangers may do. */
export async function checkPublicAccess({ bucket, keyPrefix }: Patient): Promise<readonly Finding[]> {
  const { mayList, mayRead } = await bucket.anonymous();
  if (!mayList && !mayRead) return [];
  const deeds = [mayList ? 'list the bucket' : [], mayRead ? 'read what was uploaded' : []]
    .flat()
    .join(' and ');
  return [
    {
      id: 'public-access',
      level: mayRead && !mayList ? 'warning' : 'error',
      what: `anybody may ${deeds}: s3://${bucket.bucket}/${keyPrefix}`,
      why: 'files and their names are open to the whole internet',
      fix:
        `aws s3api put-public-access-block --bucket ${bucket.bucket} --public-access-block-configuration ` +
        'BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true   # elsewhere: delete-bucket-policy, put-bucket-acl --acl private',
    },
  ];
}

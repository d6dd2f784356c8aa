import type { ProbedRight } from '../../../ports/bucket-probe.ts';
import { type Finding, good, shellWithJson } from '../finding.ts';
import type { Patient } from '../patient.ts';
import { coordinatorPolicy } from '../policies.ts';

const WHY: Readonly<Record<string, string>> = {
  's3:ListBucket':
    'a missing key answers 403 instead of 404, so no proof can tell "not there" from "not allowed"',
  's3:ListBucketMultipartUploads':
    'leftovers are not found, and an upload with a key of the client cannot be accepted',
  's3:PutObject':
    'nothing can be uploaded: the right covers CreateMultipartUpload, UploadPart and Complete, too',
  's3:GetObject': 'HEAD, the proof that an object is whole, is refused: uploads stay COMPLETING',
  's3:DeleteObject': 'a cancelled single PUT cannot be ended, and its object stays',
  's3:AbortMultipartUpload': 'parts of cancelled and expired uploads stay, and are billed',
  's3:ListMultipartUploadParts': 'an upload cannot be resumed, nor completed when an ETag was lost',
};

/** Which rights are missing. */
export async function checkRights(
  patient: Patient,
): Promise<{ readonly findings: readonly Finding[]; readonly mayStore: boolean }> {
  const rights = await patient.bucket.rights();
  const denied = rights.filter(({ state }) => state === 'denied');
  const mayStore = ['s3:PutObject', 's3:DeleteObject', 's3:ListBucket'].every((action) =>
    rights.some((right) => right.action === action && right.state === 'allowed'),
  );
  const findings =
    denied.length === 0
      ? [good('rights', `the credentials may do all that uploads need under "${patient.keyPrefix}"`)]
      : denied.map((right) => deniedFinding(patient, right));
  return { findings, mayStore };
}

function deniedFinding(patient: Patient, { action }: ProbedRight): Finding {
  return {
    id: 'right-missing',
    level: 'error',
    what: `the credentials may not do ${action} on s3://${patient.bucket.bucket}/${patient.keyPrefix}*`,
    why: WHY[action] ?? 'uploads need it',
    fix: shellWithJson(
      'aws iam put-role-policy --role-name ROLE --policy-name longhaul --policy-document',
      coordinatorPolicy(patient),
    ),
  };
}

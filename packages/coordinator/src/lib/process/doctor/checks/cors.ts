import type { CorsRule, CrossOriginReport } from '../../../ports/bucket-probe.ts';
import { type Finding, good, shellWithJson } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** Whether pages can upload: by a real preflight, and by what they could read of a real answer. */
export async function checkCors(patient: Patient): Promise<readonly Finding[]> {
  const { origins } = patient.wish;
  if (origins.length === 0) {
    return [
      {
        id: 'cors-not-asked',
        level: 'note',
        what: 'no origin was given, so CORS was not looked at',
        why: 'browsers ask the store for permission before they send; programs do not',
        fix: 'longhaul-coordinator doctor --origin https://app.example.com',
      },
    ];
  }
  const findings: Finding[] = [];
  for (const origin of origins) {
    findings.push(...corsFindings(patient, origin, await patient.bucket.crossOrigin(origin)));
  }
  return findings;
}

function corsFindings(patient: Patient, origin: string, report: CrossOriginReport): readonly Finding[] {
  const { preflight, bareStatus, refusedHeaders, exposed, allowedOrigin } = report;
  const mend = mendingOf(patient, origin);
  const { bucket } = patient.bucket;
  if (!isOk(bareStatus)) {
    return [
      {
        id: 'cors-origin',
        level: 'error',
        what: `a preflight of ${origin} for PUT is refused by ${bucket}: ${preflight.code ?? bareStatus}`,
        why: 'no page of that origin can send a byte; scripts see a network error without a status',
        ...mend,
      },
    ];
  }
  if (!isOk(preflight.status) || refusedHeaders.length > 0) {
    return [
      {
        id: 'cors-headers',
        level: 'error',
        what: `${bucket} allows ${origin}, but not the headers ${(refusedHeaders.length > 0 ? refusedHeaders : ['of an upload']).join(', ')}`,
        why: 'single PUTs, digests and conditions carry them: those uploads fail in browsers only',
        ...mend,
      },
    ];
  }
  const answers = allowedOrigin === origin || allowedOrigin === '*';
  if (!answers || !exposed.some((name) => name === 'etag' || name === '*')) {
    return [
      {
        id: 'cors-etag-hidden',
        level: 'warning',
        what: `pages of ${origin} cannot read the ETag of what they have sent to ${bucket}`,
        why: 'uploads complete all the same, by one list call more per thousand parts; the SDK tells its users ETAG_HIDDEN',
        ...mend,
      },
    ];
  }
  return [
    good('cors', `pages of ${origin} can upload to ${bucket} and read the ETag`),
    ...checksumsHidden(patient, report),
  ];
}

/** Nothing of ours needs to read them; whoever compares what the store has computed does. */
function checksumsHidden({ profile }: Patient, { exposed }: CrossOriginReport): readonly Finding[] {
  const [algorithm] = profile.fullObjectChecksums;
  if (algorithm === undefined || exposed.some((name) => name === '*' || name.startsWith('x-amz-checksum-')))
    return [];
  return [
    {
      id: 'cors-checksums-hidden',
      level: 'note',
      what: 'pages cannot read the checksum that the store has computed of a part',
      why: 'Longhaul does not need it: the store compares the one that was sent',
      fix: `"ExposeHeaders": ["ETag", "x-amz-checksum-${algorithm.toLowerCase()}"]`,
    },
  ];
}

/** The rule that a page needs. */
function corsRuleFor(origin: string): CorsRule {
  return {
    AllowedOrigins: [origin],
    AllowedMethods: ['PUT', 'POST', 'GET', 'HEAD'],
    AllowedHeaders: ['content-type', 'content-md5', 'if-match', 'if-none-match', 'range', 'x-amz-*'],
    ExposeHeaders: ['ETag', 'x-amz-checksum-crc64nvme', 'x-amz-version-id', 'x-amz-request-id'],
    MaxAgeSeconds: 7200,
  };
}

function mendingOf({ bucket, config }: Patient, origin: string): Pick<Finding, 'fix' | 'repair'> {
  const rule = corsRuleFor(origin);
  const endpoint = config.store.endpoint === undefined ? '' : ` --endpoint-url ${config.store.endpoint}`;
  const command = `aws s3api put-bucket-cors --bucket ${bucket.bucket}${endpoint} --cors-configuration`;
  return {
    fix: `${shellWithJson(command, { CORSRules: [rule] })}\n(it replaces the rules that are there; --fix adds this one to them)`,
    repair: {
      question: `Add a CORS rule for ${origin} to ${bucket.bucket}?`,
      run: () => bucket.addCorsRule(rule),
    },
  };
}

function isOk(status: number): boolean {
  return status >= 200 && status < 300;
}

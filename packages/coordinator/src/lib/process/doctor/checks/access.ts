import { isLoopbackHost } from '../../../http/origins.ts';
import type { ProbeAnswer } from '../../../ports/bucket-probe.ts';
import { formatSpan } from '../../plain-text.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** S3 refuses what is signed 15 min ahead of its own clock, and a URL that lives 15 min is dead on arrival. */
const MOST_SKEW_MS = 15 * 60_000;
const NOTABLE_SKEW_MS = 60_000;

/** Addresses, credentials, clock and region: whether the store lets this coordinator in at all. */
export async function checkAccess(
  patient: Patient,
): Promise<{ readonly findings: readonly Finding[]; readonly isIn: boolean }> {
  const answer = await patient.bucket.greet();
  const blocking = refusalOf(patient, answer);
  const beside = [...addressFindings(patient), ...clockFindings(answer)];
  const isIn = blocking === undefined || blocking === 'right';
  const { bucket, endpoint } = patient.bucket;
  const reached = good('access', `${bucket} answers at ${endpoint} within ${answer.tookMs} ms`);
  if (isIn) beside.push(...publicFindings(patient, await patient.bucket.greetPublicly()));
  return { findings: [isIn ? reached : blocking, ...beside], isIn };
}

/** `right`: let in, and not allowed to list, which is a matter of rights. */
function refusalOf(patient: Patient, answer: ProbeAnswer): Finding | 'right' | undefined {
  const { status, code } = answer;
  if (status === 0) return noAnswerFinding(patient, answer);
  const region = regionOf(answer);
  if (region !== undefined && region !== patient.config.store.region) return regionFinding(patient, region);
  if (isClockRefusal(answer)) return skewFinding(skewOf(answer), answer);
  const byCode = code === undefined ? undefined : BY_CODE[code]?.(patient, answer);
  if (byCode) return byCode;
  if (code === 'AccessDenied') return 'right';
  return status === 200 && answer.body.includes('ListBucketResult')
    ? undefined
    : notS3Finding(patient, answer);
}

const BY_CODE: Readonly<Record<string, (patient: Patient, answer: ProbeAnswer) => Finding>> = {
  NoSuchBucket: ({ bucket, config }) => ({
    id: 'bucket-missing',
    level: 'error',
    what: `there is no bucket ${bucket.bucket} at ${bucket.endpoint}`,
    why: 'nothing can be uploaded',
    fix: `aws s3api create-bucket --bucket ${bucket.bucket}${endpointOption(config.store.endpoint)}${locationOption(config.store.region)}\nor correct S3_BUCKET`,
  }),
  InvalidAccessKeyId: ({ bucket }) => ({
    id: 'credentials-unknown',
    level: 'error',
    what: `${bucket.endpoint} does not know the access key id`,
    why: 'no call and no signed URL is accepted',
    fix: 'correct AWS_ACCESS_KEY_ID (or the profile or role that the AWS SDK finds): aws sts get-caller-identity',
  }),
  SignatureDoesNotMatch: ({ bucket }) => ({
    id: 'credentials-secret',
    level: 'error',
    what: `${bucket.endpoint} knows the access key id, and the signature is wrong`,
    why: 'no call and no signed URL is accepted',
    fix: 'correct AWS_SECRET_ACCESS_KEY; if it is right, a proxy between here and the store changes the Host header or the path',
  }),
  ExpiredToken: expiredFinding,
  InvalidToken: expiredFinding,
};

function expiredFinding({ bucket }: Patient): Finding {
  return {
    id: 'credentials-expired',
    level: 'error',
    what: `the temporary credentials are not valid at ${bucket.endpoint} any more`,
    why: 'a URL dies with the credentials that signed it, whatever life it says that it has',
    fix: 'renew them, and let the AWS SDK find credentials that renew themselves (an instance or container role, aws sso login)',
  };
}

/** Clients may stand in another network than this machine, so this alone is no error. */
function publicFindings({ bucket, config }: Patient, answer: ProbeAnswer | undefined): readonly Finding[] {
  if (answer === undefined || answer.body.includes('ListBucketResult') || answer.code === 'AccessDenied')
    return [];
  const { status, code = `status ${status}`, message = '' } = answer;
  if (config.store.accelerate) {
    return [
      {
        id: 'acceleration-off',
        level: 'warning',
        what: `${bucket.publicBucketUrl} does not let a signed request in: ${code} ${message}`.trim(),
        why: 'S3_ACCELERATE asks for S3 Transfer Acceleration; the coordinator does without it, and clients send to the normal endpoint',
        fix: `aws s3api put-bucket-accelerate-configuration --bucket ${bucket.bucket} --accelerate-configuration Status=Enabled   # takes up to 30 min; then start the coordinator again`,
      },
    ];
  }
  return [
    {
      id: 'public-endpoint-unreachable',
      level: 'warning',
      what: `${bucket.publicBucketUrl} (S3_PUBLIC_ENDPOINT) does not let a signed request in from here: ${code} ${message}`.trim(),
      why: 'URLs that clients get lead there; the signature is for that very host name',
      fix: 'if clients cannot reach it either, correct S3_PUBLIC_ENDPOINT; a proxy there must hand on the Host header and the path unchanged',
    },
  ];
}

function noAnswerFinding({ bucket }: Patient, { code = '', message = '' }: ProbeAnswer): Finding {
  if (code === 'CredentialsProviderError' || message.includes('Could not load credentials')) {
    return {
      id: 'credentials-missing',
      level: 'error',
      what: 'there are no credentials to sign with',
      why: 'neither a call nor a URL can be signed',
      fix: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or any other way that the AWS SDK knows (a profile, a role)',
    };
  }
  if (/CERT|SSL|TLS|SELF_SIGNED/.test(code)) {
    const isDotted = bucket.bucket.includes('.') && new URL(bucket.publicBucketUrl).pathname === '/';
    return {
      id: 'tls-certificate',
      level: 'error',
      what: `the certificate of ${new URL(bucket.endpoint).host} is not accepted: ${code}`,
      why: 'browsers and this coordinator refuse to talk to it',
      fix: isDotted
        ? 'the certificate is for one name before the dot, and the bucket has dots: S3_FORCE_PATH_STYLE=true, or a bucket without dots'
        : 'give the store a certificate for that name; for one of your own authority: NODE_EXTRA_CA_CERTS=/path/to/ca.pem',
    };
  }
  return {
    id: 'store-unreachable',
    level: 'error',
    what: `${bucket.endpoint} gives no answer: ${code} ${message}`.trim(),
    why: 'neither the coordinator nor a client can reach the store',
    fix:
      'correct S3_ENDPOINT (and S3_PUBLIC_ENDPOINT), or open the network to it: curl -v ' + bucket.endpoint,
  };
}

function notS3Finding({ bucket }: Patient, { status, code, headers }: ProbeAnswer): Finding {
  return {
    id: 'not-s3',
    level: 'error',
    what: `${bucket.endpoint} does not answer as S3 does: ${code ?? `status ${status}, ${headers['content-type'] ?? 'no type'}`}`,
    why: 'a console, a proxy or another service listens there',
    fix: 'let S3_ENDPOINT name the port of the S3 API, without a path (MinIO: 9000, not the console at 9001)',
  };
}

function regionOf({ headers, body, code, status }: ProbeAnswer): string | undefined {
  const told = headers['x-amz-bucket-region'] ?? /<Region>([^<]+)<\/Region>/.exec(body)?.[1];
  return told ?? (status === 301 || code === 'PermanentRedirect' ? 'another one' : undefined);
}

function regionFinding({ bucket, config }: Patient, region: string): Finding {
  return {
    id: 'region-wrong',
    level: 'error',
    what: `${bucket.bucket} is in the region ${region}, and S3_REGION says ${config.store.region}`,
    why: 'a signature is made for one region: every URL is refused, or sent on with a redirect that a PUT does not follow',
    fix: `S3_REGION=${region}`,
  };
}

function isClockRefusal({ code, message = '' }: ProbeAnswer): boolean {
  return (
    code === 'RequestTimeTooSkewed' || (code === 'AccessDenied' && /expired|not yet valid/i.test(message))
  );
}

function clockFindings(answer: ProbeAnswer): readonly Finding[] {
  const skewMs = skewOf(answer);
  return isClockRefusal(answer) || Math.abs(skewMs) < NOTABLE_SKEW_MS ? [] : [skewFinding(skewMs, answer)];
}

/** How far this machine is ahead. A refusal tells the store's time in its body, which is nearer than a proxy's header. */
function skewOf({ headers, body, receivedAtEpochMs, tookMs }: ProbeAnswer): number {
  const told = /<ServerTime>([^<]+)<\/ServerTime>/.exec(body)?.[1] ?? headers['date'];
  const serverEpochMs = Date.parse(told ?? '');
  return Number.isNaN(serverEpochMs) ? 0 : receivedAtEpochMs - tookMs / 2 - serverEpochMs;
}

function skewFinding(skewMs: number, answer: ProbeAnswer): Finding {
  return {
    id: 'clock-skew',
    level: isClockRefusal(answer) || Math.abs(skewMs) > MOST_SKEW_MS ? 'error' : 'warning',
    what: `the clock of this machine is ${formatSpan(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the store's`,
    why: 'URLs are signed with the time: too early they are refused, too late they live shorter than they say',
    fix: 'timedatectl set-ntp true   # or whatever keeps time on this machine',
  };
}

/** What the addresses themselves tell. */
function addressFindings({ config, wish, bucket }: Patient): readonly Finding[] {
  const { protocol, hostname } = new URL(bucket.publicBucketUrl);
  const isNear = isLoopbackHost(hostname);
  const findings: Finding[] = [];
  if (protocol === 'http:' && !isNear) {
    findings.push({
      id: 'tls-missing',
      level: 'warning',
      what: `clients send to ${bucket.publicBucketUrl} without TLS`,
      why: 'whoever listens on the way can read the files and use the URLs; SSE-C is refused without TLS by most stores',
      fix: 'S3_ENDPOINT=https://… or S3_PUBLIC_ENDPOINT=https://…',
    });
  }
  const secure = wish.origins.find((origin) => origin.startsWith('https:'));
  if (protocol === 'http:' && !isNear && secure !== undefined) {
    findings.push({
      id: 'mixed-content',
      level: 'error',
      what: `a page of ${secure} may not send to ${bucket.publicBucketUrl}`,
      why: 'browsers block requests from https pages to http addresses before they are sent',
      fix: 'S3_PUBLIC_ENDPOINT=https://…',
    });
  }
  if (isNear && !isLoopbackHost(config.host)) {
    findings.push({
      id: 'public-endpoint-local',
      level: 'warning',
      what: `the coordinator listens on ${config.host}, and its URLs lead to ${bucket.publicBucketUrl}`,
      why: 'clients on other machines would look for the store on their own',
      fix: 'S3_PUBLIC_ENDPOINT=https://… with the name by which clients reach the store',
    });
  }
  return findings;
}

function endpointOption(endpoint: string | undefined): string {
  return endpoint === undefined ? '' : ` --endpoint-url ${endpoint}`;
}

/** us-east-1 is the one region that may not be named. */
function locationOption(region: string): string {
  return region === 'us-east-1' ? '' : ` --create-bucket-configuration LocationConstraint=${region}`;
}

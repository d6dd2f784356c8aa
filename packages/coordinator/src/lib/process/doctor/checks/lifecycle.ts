import type { BucketSettings, ProbedLifecycleRule } from '../../../ports/bucket-probe.ts';
import { abortRuleOf } from '../../../ports/bucket-lifecycle.ts';
import { ABORT_RULE_ID, rulePrefixOf } from '../../abort-rule.ts';
import { formatSpan } from '../../plain-text.ts';
import { type Finding, good, shellWithJson } from '../finding.ts';
import type { Patient } from '../patient.ts';

const DAY_MS = 86_400_000;

/** The bucket's own rules against the longest upload. */
export function checkLifecycle(patient: Patient, { lifecycle }: BucketSettings): readonly Finding[] {
  if ('unreadable' in lifecycle) return [unreadableFinding(patient, lifecycle.unreadable)];
  const active = lifecycle.value.filter(({ Status }) => Status === 'Enabled');
  const aborting = active.filter(({ AbortIncompleteMultipartUpload }) => AbortIncompleteMultipartUpload);
  const near = aborting.filter((rule) => overlaps(patient, rule));
  const findings = [
    ...near.flatMap((rule) => tooShort(patient, rule, active)),
    ...active.filter((rule) => overlaps(patient, rule)).flatMap((rule) => expiring(patient, rule)),
  ];
  const isCovered =
    aborting.some((rule) => patient.keyPrefix.startsWith(rulePrefixOf(rule))) ||
    patient.profile.abortAfterDays !== undefined;
  if (!isCovered) findings.push(missingFinding(patient, lifecycle.value));
  return findings.length > 0 ? findings : [good('lifecycle', describe(patient, near))];
}

function describe({ profile, wish }: Patient, rules: readonly ProbedLifecycleRule[]): string {
  const days = rules.map(daysOf).concat(profile.abortAfterDays ?? []);
  return `unfinished uploads end after ${Math.min(...days)} days, which leaves room for ${wish.longestDays}`;
}

function daysOf({ AbortIncompleteMultipartUpload }: ProbedLifecycleRule): number {
  return AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? Number.POSITIVE_INFINITY;
}

function overlaps({ keyPrefix }: Patient, rule: ProbedLifecycleRule): boolean {
  const prefix = rulePrefixOf(rule);
  return prefix.startsWith(keyPrefix) || keyPrefix.startsWith(prefix);
}

function leastDays({ settings, wish }: Patient): number {
  return Math.max(Math.floor((settings.idleLimitSeconds * 1000) / DAY_MS) + 1, wish.longestDays);
}

/** One that `bucket lifecycle` has made, or that it would change. */
function isOurs({ keyPrefix }: Patient, rule: ProbedLifecycleRule): boolean {
  const { ID = '' } = rule;
  return ID.startsWith(`${ABORT_RULE_ID}-`) || (ID === ABORT_RULE_ID && rulePrefixOf(rule) === keyPrefix);
}

function tooShort(
  patient: Patient,
  rule: ProbedLifecycleRule,
  rules: readonly ProbedLifecycleRule[],
): readonly Finding[] {
  const days = daysOf(rule);
  const least = leastDays(patient);
  if (days >= least) return [];
  const idle = formatSpan(patient.settings.idleLimitSeconds * 1000);
  return [
    {
      id: 'lifecycle-too-short',
      level: 'error',
      what: `the rule "${rule.ID ?? ''}" ends uploads under "${rulePrefixOf(rule)}" ${days} days after they were begun`,
      why:
        `every part is thrown away on that day, also while the client is sending; an upload may rest for ${idle} ` +
        `(LONGHAUL_IDLE_LIMIT_SECONDS) and may take ${patient.wish.longestDays} days (--longest-days)`,
      // Of two rules the shorter one counts: one of ours beside it would mend nothing.
      ...(isOurs(patient, rule)
        ? mending(patient, least, rules)
        : {
            fix:
              `let the rule "${rule.ID ?? ''}" end uploads after ${least} days or more, or be for other keys: ` +
              `aws s3api get-bucket-lifecycle-configuration --bucket ${patient.bucket.bucket}`,
          }),
    },
  ];
}

function expiring(
  { bucket }: Patient,
  { ID = '', Expiration, ...rule }: ProbedLifecycleRule,
): readonly Finding[] {
  if (Expiration?.Days === undefined) return [];
  return [
    {
      id: 'lifecycle-expires-objects',
      level: 'warning',
      what: `the rule "${ID}" removes objects under "${rulePrefixOf(rule)}" of ${bucket.bucket} after ${Expiration.Days} days`,
      why: 'uploads that are complete would be gone, while the catalog still has their rows',
      fix: `if that is not meant, take Expiration out of the rule: aws s3api get-bucket-lifecycle-configuration --bucket ${bucket.bucket}`,
    },
  ];
}

function missingFinding(patient: Patient, rules: readonly ProbedLifecycleRule[]): Finding {
  return {
    id: 'lifecycle-missing',
    // A store that is not known to have such rules may refuse one, or keep it and do nothing.
    level: patient.profile.lifecycle ? 'warning' : 'note',
    what: `no rule of ${patient.bucket.bucket} ends unfinished uploads under "${patient.keyPrefix}"`,
    why: 'parts that nobody remembers (a lost catalog, a create whose answer was lost) are kept and billed for ever',
    ...mending(patient, Math.max(leastDays(patient), 7), rules),
  };
}

function mending(
  patient: Patient,
  days: number,
  rules: readonly ProbedLifecycleRule[],
): Pick<Finding, 'fix' | 'repair'> {
  const { bucket, keyPrefix, settings } = patient;
  const rule = { id: ABORT_RULE_ID, prefix: keyPrefix, daysAfterInitiation: days };
  const command = `longhaul-coordinator bucket lifecycle --days ${days} --apply`;
  const json = shellWithJson(
    `aws s3api put-bucket-lifecycle-configuration --bucket ${bucket.bucket} --lifecycle-configuration`,
    { Rules: [abortRuleOf(rule)] },
  );
  const fix = `${command}\nor, where there are no other rules: ${json}`;
  // Only the command knows the installation, whose rule has a prefix and a name of its own.
  if (settings.keyTemplate.includes('{installationId}')) return { fix: command };
  const taken = rules.find(({ ID }) => ID === ABORT_RULE_ID);
  if (taken && rulePrefixOf(taken) !== keyPrefix) {
    return {
      fix:
        `the rule "${ABORT_RULE_ID}" is there for "${rulePrefixOf(taken)}", and would be replaced: add one with another ID ` +
        `to the rules of the bucket: ${JSON.stringify(abortRuleOf({ ...rule, id: `${ABORT_RULE_ID}-2` }))}`,
    };
  }
  return {
    fix,
    repair: {
      endsUploadsAfterDays: days,
      question: `Let ${bucket.bucket} end uploads under "${keyPrefix}" ${days} days after they were begun?`,
      run: () => bucket.putAbortRule(rule),
    },
  };
}

function unreadableFinding({ bucket, profile }: Patient, reason: string): Finding {
  const isAbsent = reason === 'unsupported';
  return {
    id: 'lifecycle-unreadable',
    level: 'note',
    what: isAbsent
      ? `${profile.name} has no lifecycle rules`
      : `the lifecycle rules of ${bucket.bucket} could not be read: ${reason}`,
    why: 'a rule is the net below the sweeper, and one that is too short ends uploads in the middle',
    fix: isAbsent
      ? 'longhaul-coordinator sweep --reconcile   # from time to time, to see what was left behind'
      : 'let somebody with s3:GetLifecycleConfiguration run: longhaul-coordinator doctor',
  };
}

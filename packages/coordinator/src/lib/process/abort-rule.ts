import type { LifecycleRule } from '../ports/bucket-lifecycle.ts';

/** `ID` of our rule, or how it begins where an installation has a rule of its own. */
export const ABORT_RULE_ID = 'longhaul-abort-incomplete-uploads';

/** What a rule is for, wherever it says so. */
export function rulePrefixOf({ Filter, Prefix }: LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '';
}

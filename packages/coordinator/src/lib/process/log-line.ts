import { CoordinatorError } from '../coordinator-error.ts';
import { CatalogError } from '../ports/catalog.ts';
import { EventSinkError } from '../ports/event-sink.ts';
import { KeyVaultError } from '../ports/key-vault.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { StateStoreError } from '../ports/state-store.ts';
import { redactText } from '../redact.ts';

/**
 * A failure as the log has it: when, what, and what lay behind it, on one line. Only what nobody expected brings its
 * stack along.
 */
export function logLine(error: unknown, at: Date): string {
  const line = `${at.toISOString()} ${describe(error)}`;
  return redactText(isExpected(error) || !(error instanceof Error) ? line : `${line}\n${error.stack ?? ''}`);
}

/** Names and messages, which never hold secrets, and causes. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return `Error: ${String(error)}`;
  const upload = error instanceof CoordinatorError && error.details.uploadId;
  const text = `${error.name}${upload ? ` (upload ${upload})` : ''}: ${error.message}`;
  return error.cause === undefined ? text : `${text}; because of ${describe(error.cause)}`;
}

/** Failures of the world around: its servers, files and ports. */
export function isExpected(error: unknown): boolean {
  const ours = [
    CoordinatorError,
    CatalogError,
    EventSinkError,
    KeyVaultError,
    ObjectStoreError,
    StateStoreError,
  ];
  return ours.some((known) => error instanceof known) || (error instanceof Error && 'syscall' in error);
}

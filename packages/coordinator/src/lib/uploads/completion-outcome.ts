import type { ProofLevel } from '@longhaul/protocol';
import type { CompleteOutcome } from '../ports/object-store.ts';
import type { Proof } from './prove-object.ts';

/** What is known of a completion once the store was asked and the key was looked at. */
export type CompletionOutcome =
  /** The object is there and ours. */
  | { readonly kind: 'done'; readonly object: ProvedObject }
  /** The store says that this attempt has built nothing. Earlier ones may have: the catalog knows. */
  | { readonly kind: 'refused'; readonly s3Code: string; readonly message: string }
  /** Nobody can tell: stay, and look again. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** There will be no object. `quietForMs`: believed only that long after the last attempt. */
  | { readonly kind: 'terminal'; readonly lastError: string; readonly quietForMs: number };

/** The object, and how sure we are that it is the file. */
export interface ProvedObject {
  readonly etag: string;
  readonly versionId?: string;
  readonly proof: ProofLevel;
}

/** What was learnt from asking for completion and looking at the key. */
export interface Evidence {
  /** The store's answer; left out where nothing was sent. */
  readonly answer?: CompleteOutcome;
  readonly proof: Proof;
  readonly sizeBytes: number;
  /** The store lists the upload no more; only said when it was asked. */
  readonly isGone?: boolean;
  readonly goneAfterMs: number;
}

/**
 * The verdict on a completion. An object that is proved ours outweighs whatever was answered, also a refusal: another
 * attempt has built it.
 */
export function judgeCompletion(evidence: Evidence): CompletionOutcome {
  const { answer, proof, sizeBytes, isGone = false, goneAfterMs } = evidence;
  if (proof.kind === 'ours') {
    // What stands at the key is the truth; the answer fills in what HEAD does not tell.
    const told = answer?.kind === 'stored' ? answer : proof.object;
    return {
      kind: 'done',
      object: { ...proof.object, ...told, etag: proof.object.etag || told.etag, proof: proof.level },
    };
  }
  if ('object' in proof) {
    const lastError = `integrity: the store holds ${wrongThing(proof)} instead of the ${sizeBytes} bytes sent`;
    return { kind: 'terminal', lastError, quietForMs: 0 };
  }
  if (answer?.kind === 'refused') return answer;
  const seen = proof.kind === 'unknown' ? proof.error.message : `the object is ${proof.kind}`;
  if (isGone && proof.kind !== 'unknown') {
    const lastError = `gone: the store lists the upload no more, and ${seen}`;
    return { kind: 'terminal', lastError, quietForMs: goneAfterMs };
  }
  return { kind: 'unknown', reason: `${said(answer)}; ${seen}` };
}

function wrongThing({ kind, object }: Extract<Proof, { kind: `wrong-${string}` }>): string {
  switch (kind) {
    case 'wrong-size':
      return `${object.sizeBytes} bytes`;
    case 'wrong-checksum':
      return 'content of another checksum';
    case 'wrong-encryption':
      return 'an object without the encryption asked for';
  }
}

function said(answer: CompleteOutcome | undefined): string {
  if (!answer) return 'nothing was asked of the store';
  return answer.kind === 'unknown' ? answer.reason : `the store answered ${answer.kind}`;
}

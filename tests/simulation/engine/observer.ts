import type { StoredObject, UploadRecord } from '@longhaul/coordinator';
import { boundsOf } from '@longhaul/protocol';
import type { CompleteAnswer } from '../actors/complete-answers.ts';
import { answerBranch, type CompletionVerdict, type HeadSeen, proofBranch } from './branches.ts';
import type { Tally } from './tally.ts';
import type { Caller, ObservedCall } from './wire.ts';

/** Sees from outside which way each completion went: what was answered, what was looked at, what was written down. */
export interface Observer {
  /** A Complete was answered. */
  answered(caller: Caller, key: string, answer: CompleteAnswer): void;
  /** A call to the store was answered. */
  store(call: ObservedCall): void;
  /** A call to the catalog had its effect. */
  catalog(call: ObservedCall): void;
}

/** What one process has learnt of one upload since it began to drive its completion. */
interface Drive {
  answer?: CompleteAnswer;
  head?: HeadSeen;
  isListed?: boolean;
}

/** What other programs store is told apart by its type: no client here sends any. */
export const FOREIGN_TYPE = 'text/plain';

const VERDICTS: Readonly<Record<string, CompletionVerdict>> = {
  finishCompletion: 'DONE',
  refuseCompletion: 'REFUSED',
  postponeCompletion: 'UNKNOWN',
  fail: 'TERMINAL',
};

/** An observer that has seen nothing yet. */
export function createObserver(branches: Tally): Observer {
  const drives = new WeakMap<Caller, Map<string, Drive>>();
  const sizes = new Map<string, number>();

  const ownDrives = (caller: Caller): Map<string, Drive> => {
    const own = drives.get(caller) ?? new Map<string, Drive>();
    drives.set(caller, own);
    return own;
  };
  const driveOf = (caller: Caller, uploadId: string): Drive => {
    const own = ownDrives(caller);
    const drive = own.get(uploadId) ?? {};
    own.set(uploadId, drive);
    return drive;
  };
  const headSeen = (call: ObservedCall, uploadId: string): HeadSeen => {
    if (!('result' in call)) return 'failure';
    const object = call.result as StoredObject | undefined;
    if (!object) return 'nothing';
    if (object.contentType === FOREIGN_TYPE) return 'an object of somebody else';
    return object.sizeBytes === sizes.get(uploadId) ? 'the object' : 'another size';
  };

  const begun = ({ head, isListed }: Drive, { epoch }: UploadRecord): void => {
    if (epoch > 1 && head === 'nothing' && isListed) {
      branches.count(proofBranch('looked again', 'nothing', ', still listed: sent again'));
    }
  };
  const settled = (drive: Drive, verdict: CompletionVerdict): void => {
    if (drive.answer) branches.count(answerBranch(drive.answer, verdict));
    if (drive.head) branches.count(proofBranch(askedBy(drive), drive.head, `${listing(drive)}: ${verdict}`));
  };

  return {
    answered(caller, key, answer) {
      ownDrives(caller).set(idIn(key), { answer });
    },
    store(call) {
      const { caller, method, values } = call;
      const { key } = (values[0] ?? {}) as { key?: string };
      if (key === undefined) return;
      const uploadId = idIn(key);
      const drive = driveOf(caller, uploadId);
      if (method === 'headObject') drive.head = headSeen(call, uploadId);
      if (method === 'listParts' && 'result' in call) drive.isListed = call.result !== undefined;
    },
    catalog(call) {
      const { caller, method, values, result } = call;
      const { record } = (result ?? {}) as { record?: UploadRecord };
      if (method === 'insert' && record) sizes.set(record.uploadId, boundsOf(record.plan).endBytes);
      const uploadId = String(values[0]);
      if (method === 'beginCompletion' && result) begun(driveOf(caller, uploadId), result as UploadRecord);
      const verdict = VERDICTS[method];
      // Given up too early, or another driver was faster: what follows tells.
      if (!verdict || (method === 'fail' && !result)) return;
      const drive = driveOf(caller, uploadId);
      ownDrives(caller).delete(uploadId);
      if (result || method === 'postponeCompletion') settled(drive, verdict);
    },
  };
}

/** Whether the store was asked for its list, where the key alone does not tell. */
function listing({ answer, head, isListed }: Drive): string {
  if (answer || head !== 'nothing') return '';
  return isListed === undefined ? ', never listed' : isListed ? ', still listed' : ', listed no more';
}

function askedBy({ answer }: Drive): string {
  if (!answer) return 'looked again';
  if (answer === '4xx refusal') return 'refusal';
  return answer === '200 with an ETag' ? 'good answer' : 'no clear answer';
}

/** Keys end with the upload's id. */
export function idIn(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

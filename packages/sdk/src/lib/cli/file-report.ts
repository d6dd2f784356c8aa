import type { UploadAllHandle, UploadOutcome } from '../../many-node.ts';
import { isUploadError, type UploadHandle, type UploadResult } from '../../node.ts';
import { formatBytes } from './byte-sizes.ts';
import { pathOf } from './list-files.ts';

/** What became of a file, as `--json` prints it. */
export type FileReport = FileStored | FileFailed;

interface FileStored extends Omit<UploadResult, 'partCount'> {
  readonly file: string;
  readonly parts: number;
  readonly partSizeBytes: number;
  /** Why the parts are of that size. */
  readonly planReason: string;
  /** Parts that an earlier run had stored. */
  readonly resumedParts: number;
  readonly durationMs: number;
}

interface FileFailed {
  readonly file: string;
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Of the call that the coordinator refused: its log has it. */
    readonly requestId?: string;
  };
}

/** An upload that has begun. */
interface Begun {
  readonly upload: UploadHandle;
  readonly startMs: number;
}

/** Calls `tell` with what became of each file, as soon as it has ended. */
export function reportEach(all: UploadAllHandle<string>, tell: (report: FileReport) => void): void {
  const running = new Map<object, Begun>();
  all.on('begin', ({ item, upload }) => void running.set(item, { upload, startMs: performance.now() }));
  all.on('end', (outcome) => {
    const begun = running.get(outcome.item);
    running.delete(outcome.item);
    tell(reportOf(outcome, begun));
  });
}

/** What became of one. */
export function reportOf(outcome: UploadOutcome<string>, begun: Begun | undefined): FileReport {
  return outcome.result ? storedReport(outcome, begun) : failedReport(outcome, begun);
}

type Done = UploadOutcome<string> & { readonly result: UploadResult };

function storedReport({ item, result }: Done, begun: Begun | undefined): FileStored {
  const { partCount, ...object } = result;
  const opened = begun?.upload.state.upload;
  return {
    file: pathOf(item),
    ...object,
    parts: partCount,
    partSizeBytes: opened?.plan.partSizeBytes ?? 0,
    planReason: opened?.plan.reason ?? '',
    resumedParts: opened?.resumedParts ?? 0,
    durationMs: Math.round(performance.now() - (begun?.startMs ?? 0)),
  };
}

function failedReport({ item, error }: UploadOutcome<string>, begun: Begun | undefined): FileFailed {
  const isStopped = begun?.upload.state.kind === 'stopped';
  const code = isUploadError(error) ? error.code : isStopped ? 'STOPPED' : 'FAILED';
  const message = error instanceof Error ? error.message : String(error);
  const requestId = isUploadError(error) ? error.problem?.requestId : undefined;
  return { file: pathOf(item), error: { code, message, ...(requestId && { requestId }) } };
}

/** What went wrong, with what to quote to those who run the coordinator. */
export function describeFailure({ message, requestId }: FileFailed['error']): string {
  return requestId === undefined ? message : `${message} (request ${requestId})`;
}

/** A line for people, of a file under another name if it has one; nothing of one that failed: that was said when it did. */
export function describeReport(report: FileReport, name: string = report.file): string {
  if ('error' in report) return '';
  const rate =
    report.durationMs > 0 ? `, ${formatBytes((report.sizeBytes / report.durationMs) * 1_000)}/s` : '';
  return `${name} -> ${report.bucket}/${report.key} (${formatBytes(report.sizeBytes)}${rate})\n`;
}

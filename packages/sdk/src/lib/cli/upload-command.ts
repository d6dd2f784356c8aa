import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import {
  createFileResumeStore,
  createUploader,
  isUploadError,
  type UploadHandle,
  type UploadResult,
} from '../../node.ts';
import type { UploadArguments } from './arguments.ts';
import { formatBytes } from './byte-sizes.ts';
import { createSilenceWatch, type SilenceWatch } from './silence-watch.ts';
import { type ProgressDisplay, type ProgressStream, showProgress } from './show-progress.ts';

/** The world around the command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit status of each end. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Uploads the files and resolves with the exit status. */
export async function uploadCommand(asked: UploadArguments, world: CliWorld): Promise<number> {
  const { files, isJson, coordinator, ...options } = asked;
  const { connectorId, contentType, name, expectedSizeBytes, ...uploaderOptions } = options;
  const display = showProgress(world.stderr);
  const uploader = createUploader({
    onNotice: ({ message }) => display.note(message),
    ...uploaderOptions,
    coordinator,
    resumeStore: createFileResumeStore(stateFolder(world.env)),
  });
  const uploadOptions = {
    signal: world.signal,
    ...(connectorId !== undefined && { connectorId }),
    ...(contentType !== undefined && { contentType }),
    ...(name !== undefined && { name }),
    ...(expectedSizeBytes !== undefined && { expectedSizeBytes }),
  };
  const watch = createSilenceWatch(display);
  const upload = (file: string): Promise<FileReport> =>
    uploadFile(file, uploader.upload(file === '-' ? world.stdin : file, uploadOptions), {
      display,
      watch,
      label: name ?? basename(file),
    });
  const reports = await Promise.all(files.map(upload));
  display.close();
  for (const report of reports) world.stdout.write(isJson ? `${JSON.stringify(report)}\n` : describe(report));
  return exitStatus(reports, world);
}

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
  readonly error: { readonly code: string; readonly message: string };
}

/** How an upload is shown. */
interface Showing {
  readonly display: ProgressDisplay;
  readonly watch: SilenceWatch;
  readonly label: string;
}

async function uploadFile(
  file: string,
  upload: UploadHandle,
  { display, watch, label }: Showing,
): Promise<FileReport> {
  const startMs = performance.now();
  display.follow(upload, label);
  noteResume(upload, file, display);
  const stopWatching = watch(upload, file);
  try {
    const { partCount, ...result } = await upload.result;
    const opened = upload.state.upload;
    return {
      file,
      ...result,
      parts: partCount,
      partSizeBytes: opened?.plan.partSizeBytes ?? 0,
      planReason: opened?.plan.reason ?? '',
      resumedParts: opened?.resumedParts ?? 0,
      durationMs: Math.round(performance.now() - startMs),
    };
  } catch (error) {
    const code = isUploadError(error) ? error.code : upload.state.kind === 'stopped' ? 'STOPPED' : 'FAILED';
    const message = error instanceof Error ? error.message : String(error);
    if (code !== 'STOPPED') display.note(`${file}: ${message}`);
    return { file, error: { code, message } };
  } finally {
    stopWatching();
  }
}

function noteResume(upload: UploadHandle, file: string, display: ProgressDisplay): void {
  upload.on('state', (state) => {
    if (state.kind === 'opening' && state.restartReason)
      display.note(`${file}: the upload had expired, beginning again`);
    if (state.kind !== 'sending' || state.upload.resumedParts === 0) return;
    const { resumedParts, plan } = state.upload;
    // What is not known beforehand is not resumed.
    const partCount = plan.sizeBytes === null ? '' : ` of ${plan.partCount}`;
    display.note(`${file}: resuming, ${resumedParts}${partCount} parts are there already`);
  });
}

function describe(report: FileReport): string {
  if ('error' in report) return '';
  const rate =
    report.durationMs > 0 ? `, ${formatBytes((report.sizeBytes / report.durationMs) * 1_000)}/s` : '';
  return `${report.file} -> ${report.bucket}/${report.key} (${formatBytes(report.sizeBytes)}${rate})\n`;
}

function exitStatus(reports: readonly FileReport[], { signal, stderr }: CliWorld): number {
  const failed = reports.filter((report) => 'error' in report);
  if (failed.length === 0) return EXIT.ok;
  if (!signal.aborted) return EXIT.failed;
  const isInput = reports.some(({ file }) => file === '-');
  stderr.write(`Stopped. ${isInput ? 'Nothing was stored.' : 'Run the same command again to resume.'}\n`);
  return EXIT.interrupted;
}

/** Where hints are kept, as the XDG base directories have it. */
function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'longhaul');
}

import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import {
  createFileResumeStore,
  createUploader,
  isUploadError,
  type NodeInput,
  type Uploader,
  type UploadHandle,
  type UploadResult,
} from '../../node.ts';
import type { UploadArguments } from './arguments.ts';
import { formatBytes } from './byte-sizes.ts';
import { type ProgressDisplay, type ProgressStream, showProgress } from './show-progress.ts';

/** The world around the command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
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
  const { connectorId, contentType, ...uploaderOptions } = options;
  const uploader = createUploader({
    ...uploaderOptions,
    coordinator,
    resumeStore: createFileResumeStore(stateFolder(world.env)),
  });
  const uploadOptions = {
    signal: world.signal,
    ...(connectorId !== undefined && { connectorId }),
    ...(contentType !== undefined && { contentType }),
  };
  const display = showProgress(world.stderr);
  const upload = (file: string): Promise<FileReport> => uploadFile(uploader, file, uploadOptions, display);
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
  /** Parts that an earlier run had stored. */
  readonly resumedParts: number;
  readonly durationMs: number;
}

interface FileFailed {
  readonly file: string;
  readonly error: { readonly code: string; readonly message: string };
}

async function uploadFile(
  uploader: Uploader<NodeInput>,
  file: string,
  options: Parameters<Uploader<NodeInput>['upload']>[1],
  display: ProgressDisplay,
): Promise<FileReport> {
  const startMs = performance.now();
  const upload = uploader.upload(file, options);
  display.follow(upload, basename(file));
  noteResume(upload, file, display);
  const stopNoting = noteSilence(upload, file, display);
  try {
    const { partCount, ...result } = await upload.result;
    const opened = upload.state.upload;
    return {
      file,
      ...result,
      parts: partCount,
      partSizeBytes: opened?.plan.partSizeBytes ?? 0,
      resumedParts: opened?.resumedParts ?? 0,
      durationMs: Math.round(performance.now() - startMs),
    };
  } catch (error) {
    const code = isUploadError(error) ? error.code : upload.state.kind === 'stopped' ? 'STOPPED' : 'FAILED';
    const message = error instanceof Error ? error.message : String(error);
    if (code !== 'STOPPED') display.note(`${file}: ${message}`);
    return { file, error: { code, message } };
  } finally {
    stopNoting();
  }
}

/** How long nothing may move before somebody who watches wants to know why. */
const SILENCE_MS = 4_000;

/** Says once for each silence that the upload is waiting, and for whom. The returned function ends it. */
function noteSilence(upload: UploadHandle, file: string, display: ProgressDisplay): () => void {
  const say = (): void => {
    const waitsFor = upload.state.kind === 'sending' ? 'store' : 'coordinator';
    display.note(`${file}: waiting for the ${waitsFor}, trying again. Ctrl-C is safe.`);
  };
  let timer = setTimeout(say, SILENCE_MS);
  const moved = (): void => {
    clearTimeout(timer);
    timer = setTimeout(say, SILENCE_MS);
  };
  upload.on('part', moved);
  upload.on('state', moved);
  return () => clearTimeout(timer);
}

function noteResume(upload: UploadHandle, file: string, display: ProgressDisplay): void {
  upload.on('state', (state) => {
    if (state.kind !== 'sending' || state.upload.resumedParts === 0) return;
    const { resumedParts, plan } = state.upload;
    display.note(`${file}: resuming, ${resumedParts} of ${plan.partCount} parts are there already`);
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
  stderr.write('Stopped. Run the same command again to resume.\n');
  return EXIT.interrupted;
}

/** Where hints are kept, as the XDG base directories have it. */
function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'longhaul');
}

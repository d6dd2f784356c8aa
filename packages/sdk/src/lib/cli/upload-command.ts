import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { type TotalProgress, uploadAll, type UploadAllHandle } from '../../many-node.ts';
import {
  createFileResumeStore,
  createUploader,
  type NodeInput,
  type Uploader,
  type UploadHandle,
  type UploadOptions,
  type UploadProgress,
} from '../../node.ts';
import type { UploadArguments } from './arguments.ts';
import { loadEncryption } from './encryption.ts';
import { describeFailure, describeReport, type FileReport, reportEach, reportOf } from './file-report.ts';
import { countFiles, listFiles, pathOf } from './list-files.ts';
import { createSilenceWatch } from './silence-watch.ts';
import { type Followed, type ProgressDisplay, type ProgressStream, showProgress } from './show-progress.ts';

/** The world around the command. */
export interface CliWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Only called for what is uploaded from there. */
  readonly openStandardInput: () => AsyncIterable<Uint8Array>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit status of each end. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Uploads the files and resolves with the exit status. */
export async function uploadCommand(asked: UploadArguments, world: CliWorld): Promise<number> {
  const { files, isRecursive, followLinks, isJson, coordinator, ...options } = asked;
  const { connectorId, contentType, name, expectedSizeBytes, ...others } = options;
  const { encryption: asItWasWritten, ...uploaderOptions } = others;
  const encryption = await loadEncryption(asItWasWritten);
  const display = showProgress(world.stderr, asked.maxBytesPerSecond);
  const uploader = createUploader({
    onNotice: ({ message }) => display.note(message),
    ...uploaderOptions,
    coordinator,
    resumeStore: createFileResumeStore(stateFolder(world.env)),
  });
  const named = { files, isRecursive, followLinks };
  const expected = countFiles(named);
  const uploadOptions = {
    signal: world.signal,
    ...(connectorId !== undefined && { connectorId }),
    ...(contentType !== undefined && { contentType }),
    ...(encryption && { encryption }),
  };
  const reports: FileReport[] = [];
  const tell = (report: FileReport): void => {
    reports.push(report);
    if ('error' in report && report.error.code !== 'STOPPED')
      display.note(`${report.file}: ${describeFailure(report.error)}`);
    // For programs at once: what is done is known even if this process dies.
    if (isJson) world.stdout.write(`${JSON.stringify(report)}\n`);
  };
  if (name !== undefined) {
    const input = { name, ...(expectedSizeBytes !== undefined && { expectedSizeBytes }), ...uploadOptions };
    tell(await uploadInput(world.openStandardInput(), uploader, input, display));
  } else {
    const all = uploadAll<string>(uploader, listFiles(named, display.note), { expected, ...uploadOptions });
    follow(all, display, world.signal);
    reportEach(all, tell);
    await all.result;
  }
  display.close();
  if (!isJson) for (const report of reports) world.stdout.write(describeReport(report, name));
  return exitStatus(reports, (await expected).files, world);
}

/** Uploads standard input. */
async function uploadInput(
  stdin: AsyncIterable<Uint8Array>,
  uploader: Uploader<NodeInput>,
  options: UploadOptions & { readonly name: string },
  display: ProgressDisplay,
): Promise<FileReport> {
  const upload = uploader.upload(stdin, options);
  const begun = { upload, startMs: performance.now() };
  display.follow(upload, () => options.name);
  const stopWatching = createSilenceWatch(display)(upload, '-');
  const item = { input: '-' };
  const outcome = await upload.result.then(
    (result) => ({ item, result }),
    (error: unknown) => ({ item, error }),
  );
  stopWatching();
  return reportOf(outcome, begun);
}

function follow(all: UploadAllHandle<string>, display: ProgressDisplay, signal: AbortSignal): void {
  const watch = createSilenceWatch(display);
  let first = '';
  let last: UploadProgress = {
    sentBytes: 0,
    totalBytes: undefined,
    bytesPerSecond: 0,
    etaSeconds: undefined,
  };
  // What fails, or is stopped, leaves the total: where nothing else is in it, that would look like 100 %.
  const isLetGo = ({ failedFiles, totalFiles }: TotalProgress): boolean =>
    signal.aborted || (failedFiles > 0 && failedFiles === totalFiles);
  const shown = (progress: TotalProgress): UploadProgress => {
    // While files are still being counted, nobody knows which share of them this is.
    if (!isLetGo(progress)) last = progress.isCounted ? progress : { ...progress, totalBytes: undefined };
    return last;
  };
  const followed: Followed = {
    get progress() {
      return shown(all.progress);
    },
    on: (name, listener) =>
      all.on(name, (progress) => {
        if (!isLetGo(progress)) listener(shown(progress));
      }),
  };
  display.follow(followed, () => {
    const { doneFiles, failedFiles, totalFiles } = all.progress;
    if (totalFiles <= 1) return basename(first);
    return `${doneFiles} of ${totalFiles} files${failedFiles > 0 ? `, ${failedFiles} failed` : ''}`;
  });
  all.on('begin', ({ item, upload }) => {
    const file = pathOf(item);
    first ||= file;
    noteResume(upload, file, display);
    const stopWatching = watch(upload, file);
    upload.result.then(stopWatching, stopWatching);
  });
}

function noteResume(upload: UploadHandle, file: string, display: ProgressDisplay): void {
  upload.on('state', (state) => {
    if (state.kind === 'opening' && state.restartReason)
      display.note(`${file}: the upload is over, beginning again`);
    if (state.kind !== 'sending' || state.upload.resumedParts === 0) return;
    const { resumedParts, plan } = state.upload;
    // What is not known beforehand is not resumed.
    const partCount = plan.sizeBytes === null ? '' : ` of ${plan.partCount}`;
    display.note(`${file}: resuming, ${resumedParts}${partCount} parts are there already`);
  });
}

function exitStatus(reports: readonly FileReport[], fileCount: number, { signal, stderr }: CliWorld): number {
  const failed = reports.filter((report) => 'error' in report);
  // Those that an abort has kept from beginning have no report.
  if (failed.length === 0 && reports.length >= fileCount) return EXIT.ok;
  if (!signal.aborted) return EXIT.failed;
  const isInput = reports.some(({ file }) => file === '-');
  stderr.write(`Stopped. ${isInput ? 'Nothing was stored.' : 'Run the same command again to resume.'}\n`);
  return EXIT.interrupted;
}

/** Where hints are kept, as the XDG base directories have it. */
function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  return join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'longhaul');
}

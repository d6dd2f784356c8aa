import {
  createUploader,
  isUploadError,
  type RotateOptions,
  type RotationStatus,
  type UploadProgress,
} from '../../node.ts';
import { formatBytes } from './byte-sizes.ts';
import { loadEncryption, loadKey } from './encryption.ts';
import { describeFailure } from './file-report.ts';
import type { RotateArguments } from './rotate-arguments.ts';
import { showProgress } from './show-progress.ts';
import { type CliWorld, EXIT } from './upload-command.ts';

/** What became of one object, as `--json` prints it. */
type RotationReport = RotationStatus | RotationRefused;

interface RotationRefused {
  readonly nodeId: string;
  readonly error: { readonly code: string; readonly message: string; readonly requestId?: string };
}

/** Gives objects another encryption, one after the other, and resolves with the exit status. */
export async function rotateCommand(asked: RotateArguments, world: CliWorld): Promise<number> {
  const { nodeIds, coordinator, headers, isJson } = asked;
  const options = await optionsOf(asked, world);
  const uploader = createUploader({ coordinator, headers });
  const display = showProgress(world.stderr);
  const reports: RotationReport[] = [];
  for (const nodeId of nodeIds) {
    let progress: UploadProgress = { sentBytes: 0, totalBytes: undefined, bytesPerSecond: 0 };
    let show = (_now: UploadProgress): void => {};
    const followed = {
      get progress() {
        return progress;
      },
      on: (_name: 'progress', listener: typeof show) => (show = listener),
    };
    display.follow(followed, () => nodeId);
    const onProgress = (now: UploadProgress): void => show((progress = now));
    const rotation = uploader.rotate(nodeId, { ...options, onProgress });
    const report = await rotation.result.catch((error: unknown) => refusedReport(nodeId, error));
    if (world.signal.aborted && 'error' in report) break;
    reports.push(report);
    const trouble = 'error' in report ? describeFailure(report.error) : report.lastError;
    if (trouble !== undefined) display.note(`${nodeId}: ${trouble}`);
    if (isJson) world.stdout.write(`${JSON.stringify(report)}\n`);
  }
  display.close();
  if (!isJson) for (const report of reports) world.stdout.write(describe(report));
  if (reports.length < nodeIds.length) {
    world.stderr.write(
      'Stopped. What the store copies goes on; the same command goes on with the rest, and tells the end.\n',
    );
    return EXIT.interrupted;
  }
  return reports.some((report) => 'error' in report) ? EXIT.failed : EXIT.ok;
}

async function optionsOf(asked: RotateArguments, world: CliWorld): Promise<RotateOptions> {
  const { encryption, oldKeyFile, deleteVersions } = asked;
  const input = world.openStandardInput;
  const loaded = (await loadEncryption(encryption, input)) ?? { mode: 'sse-s3' };
  const oldKey = oldKeyFile === undefined ? undefined : await loadKey('--old-key-file', oldKeyFile, input);
  return { encryption: loaded, deleteVersions, signal: world.signal, ...(oldKey && { oldKey }) };
}

function refusedReport(nodeId: string, error: unknown): RotationRefused {
  // A key that is none was written on the command line.
  if (error instanceof TypeError) throw error;
  const { code, problem } = isUploadError(error) ? error : { code: 'FAILED', problem: undefined };
  const message = error instanceof Error ? error.message : String(error);
  const requestId = problem?.requestId;
  return { nodeId, error: { code: problem?.code ?? code, message, ...(requestId && { requestId }) } };
}

function describe(report: RotationReport): string {
  if ('error' in report) return '';
  const { nodeId, encryption, result, sizeBytes } = report;
  const where = result ? `${result.bucket}/${result.key}` : 'another object by now';
  return `${nodeId} -> ${where} (${encryption.mode}, ${formatBytes(sizeBytes)})\n`;
}

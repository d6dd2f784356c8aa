import { stat } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { createFileResumeStore, createUploader, isUploadError, type UploadHandle } from '@longhaul/sdk';
import { parseByteRate } from '../packages/sdk/src/lib/cli/byte-sizes.ts';
import { showProgress } from '../packages/sdk/src/lib/cli/show-progress.ts';
import { type DemoArguments, HELP, readArguments } from './demo/arguments.ts';
import { type DemoFolder, makeSample, openFolder } from './demo/folder.ts';
import { type DemoServers, startServers } from './demo/servers.ts';
import { hashFile, hashStream } from './demo/verify.ts';

const ROOT = resolve(import.meta.dirname, '..');

/** What the demo found, printed with `--json`. */
interface DemoReport {
  readonly file: string;
  readonly sizeBytes: number;
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly partSizeBytes: number;
  readonly parts: number;
  /** Parts that an earlier run had stored. */
  readonly resumedParts: number;
  readonly sha256: string;
  readonly storedSha256: string;
  /** The stored object as a plain file, relative to the repository. */
  readonly objectFile: string;
  readonly verified: boolean;
}

/** What the demo runs on. */
interface Stage {
  readonly folder: DemoFolder;
  readonly servers: DemoServers;
  /** Ctrl-C. */
  readonly interrupted: Promise<void>;
}

/** What the command line asked for, ready for use. */
interface DemoRun extends DemoArguments {
  readonly maxBytesPerSecond: number | undefined;
}

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let run: DemoRun;
  try {
    const read = readArguments(args);
    run = {
      ...read,
      maxBytesPerSecond: read.maxRate === undefined ? undefined : parseByteRate(read.maxRate),
    };
    if (read.file !== undefined) run = { ...run, file: await existingFile(read.file) };
  } catch (error) {
    console.error(`${messageOf(error)}\nTry: npx --yes pnpm@12 demo --help`);
    return 2;
  }
  if (run.help) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    return await runDemo(run);
  } catch (error) {
    console.error(messageOf(error));
    return 1;
  }
}

async function runDemo(run: DemoRun): Promise<number> {
  const folder = await openFolder(run.folder ? fromShell(run.folder) : join(ROOT, '.longhaul/demo'));
  const servers = await startServers(folder);
  const interrupted = new Promise<void>((done) => {
    process.once('SIGINT', done).once('SIGTERM', done);
  });
  try {
    const file = run.file ?? (await makeSample(folder));
    const report = await uploadAndCompare(run, file, { folder, servers, interrupted });
    if (!report) return 130;
    if (!run.json) tell(report);
    if (!run.once) await stay(servers, interrupted);
    // The last line of stdout, whatever else was said.
    if (run.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    return report.verified ? 0 : 1;
  } finally {
    await servers.stop();
    folder.release();
  }
}

/** Uploads as any client would, over HTTP; then reads the object back. `undefined` when Ctrl-C came first. */
async function uploadAndCompare(
  run: DemoRun,
  file: string,
  { folder, servers, interrupted }: Stage,
): Promise<DemoReport | undefined> {
  const uploader = createUploader({
    coordinator: servers.url,
    resumeStore: createFileResumeStore(folder.resumePath),
    ...(run.maxBytesPerSecond !== undefined && { maxBytesPerSecond: run.maxBytesPerSecond }),
  });
  const stop = new AbortController();
  void interrupted.then(() => stop.abort());
  const upload = uploader.upload(file, { signal: stop.signal });
  const display = showProgress(process.stderr);
  display.follow(upload, () => basename(file));
  try {
    await upload.result;
  } catch (error) {
    display.close();
    if (!stop.signal.aborted) throw error;
    process.stderr.write('Stopped. Run the same command again to go on where it stopped.\n');
    return undefined;
  }
  display.close();
  return await compare(upload, file, servers);
}

async function compare(upload: UploadHandle, file: string, servers: DemoServers): Promise<DemoReport> {
  const result = await upload.result;
  const { state } = upload;
  const [sha256, storedSha256] = [await hashFile(file), await hashStream(await servers.read(result.key))];
  return {
    file,
    sizeBytes: result.sizeBytes,
    uploadId: result.uploadId,
    bucket: result.bucket,
    key: result.key,
    etag: result.etag,
    partSizeBytes: state.upload?.plan.partSizeBytes ?? result.sizeBytes,
    parts: result.partCount,
    resumedParts: state.upload?.resumedParts ?? 0,
    sha256,
    storedSha256,
    objectFile: relative(ROOT, servers.store.objectFile(result.bucket, result.key) ?? ''),
    verified: sha256 === storedSha256 && result.sizeBytes === (await stat(file)).size,
  };
}

function tell(report: DemoReport): void {
  const resumed = report.resumedParts > 0 ? `, ${report.resumedParts} of them from an earlier run` : '';
  console.log(`
${report.verified ? 'Verified: the stored object is the file.' : 'NOT VERIFIED: the stored object is not the file.'}
  file      ${report.file}
  SHA-256   ${report.sha256}
  stored    ${report.storedSha256}
  object    s3://${report.bucket}/${report.key}
  on disk   ${join(ROOT, report.objectFile)}
  parts     ${report.parts} of up to ${report.partSizeBytes} bytes${resumed}`);
}

async function stay(servers: DemoServers, interrupted: Promise<void>): Promise<void> {
  process.stderr.write(
    `\nPage and coordinator: ${servers.url}\nOpen it to upload from the browser. Ctrl-C ends it.\n`,
  );
  await interrupted;
}

/** pnpm runs scripts in the repository; paths are written where the user stands. */
function fromShell(path: string): string {
  return resolve(process.env['INIT_CWD'] ?? '.', path);
}

async function existingFile(path: string): Promise<string> {
  const absolute = fromShell(path);
  const found = await stat(absolute).catch(() => undefined);
  if (found?.isFile()) return absolute;
  if (found?.isDirectory()) throw new TypeError(`${path} is a folder. Name a file in it.`);
  throw new TypeError(found ? `${path} is no plain file.` : `There is no file ${absolute}.`);
}

function messageOf(error: unknown): string {
  if (isUploadError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}

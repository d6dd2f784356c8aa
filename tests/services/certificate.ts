import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { runOrThrow } from './command.ts';
import { SERVICES_FOLDER } from './run-folders.ts';

/** A certificate for loopback that has signed itself, and its key, as PEM files. */
export interface Certificate {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Where the tests find the certificate of every server that speaks TLS, to trust it. */
export const CA_VARIABLE = 'LONGHAUL_TEST_TLS_CA';

const FOLDER = join(SERVICES_FOLDER, 'tls');
const DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;
const NAMES = 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1';

let made: Promise<Certificate> | undefined;

/**
 * One certificate for all servers, because Node takes one file of them (NODE_EXTRA_CA_CERTS). It is kept for the next
 * runs, and made anew when its end is near.
 */
export function loopbackCertificate(): Promise<Certificate> {
  made ??= findOrMake();
  return made;
}

/** The variables by which tests, and the programs that they start, trust the servers' certificate. */
export function trustVariables({ certificateFile }: Certificate): Record<string, string> {
  return { [CA_VARIABLE]: certificateFile, NODE_EXTRA_CA_CERTS: certificateFile };
}

async function findOrMake(): Promise<Certificate> {
  if (!(await isGood(FOLDER))) await make();
  return filesIn(FOLDER);
}

async function isGood(folder: string): Promise<boolean> {
  try {
    const certificate = new X509Certificate(await readFile(filesIn(folder).certificateFile));
    await readFile(filesIn(folder).keyFile);
    return Date.parse(certificate.validTo) > Date.now() + DAY_MS;
  } catch {
    return false;
  }
}

// Beside its place, so that nobody reads a certificate with the key of another.
async function make(): Promise<void> {
  await mkdir(SERVICES_FOLDER, { recursive: true });
  const draft = await mkdtemp(`${FOLDER}.`);
  const { certificateFile, keyFile } = filesIn(draft);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'];
  const content = ['-days', String(DAYS), '-subj', '/CN=localhost', '-addext', NAMES];
  await runOrThrow('openssl', [
    'req',
    '-x509',
    ...kind,
    ...content,
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  await rm(FOLDER, { recursive: true, force: true });
  await rename(draft, FOLDER).catch(async (error: unknown) => {
    await rm(draft, { recursive: true, force: true });
    if (!(await isGood(FOLDER))) throw error;
  });
}

// The names that MinIO looks for.
function filesIn(folder: string): Certificate {
  return { certificateFile: join(folder, 'public.crt'), keyFile: join(folder, 'private.key') };
}

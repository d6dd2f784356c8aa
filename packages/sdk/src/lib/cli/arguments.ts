import { parseArgs } from 'node:util';
import { MAX_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES } from '@longhaul/protocol';
import { parseByteRate, parseByteSize } from './byte-sizes.ts';
import { type Connection, type Environment, readConnection } from './connection.ts';
import { type EncryptionArgument, parseEncryption } from './encryption.ts';
import { readRotation, type RotateArguments } from './rotate-arguments.ts';

/** What was asked on the command line. */
export type CliArguments =
  | { readonly kind: 'help'; readonly command?: 'rotate' }
  /** Nothing was asked. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'mistake'; readonly message: string }
  | ({ readonly kind: 'upload' } & UploadArguments)
  | ({ readonly kind: 'rotate' } & RotateArguments);

/** `longhaul upload` with everything read. */
export interface UploadArguments extends Connection {
  /** `-` is standard input. */
  readonly files: readonly string[];
  /** Whether folders are uploaded too, with what is in them. */
  readonly isRecursive: boolean;
  readonly followLinks: boolean;
  readonly isJson: boolean;
  readonly connectorId?: string;
  readonly contentType?: string;
  readonly encryption?: EncryptionArgument;
  /** Of standard input. */
  readonly name?: string;
  /** Of standard input. */
  readonly expectedSizeBytes?: number;
  readonly maxBytesPerSecond?: number;
  readonly concurrency?: number;
  readonly partSizeBytes?: number;
}

const OPTIONS = {
  coordinator: { type: 'string' },
  connector: { type: 'string' },
  header: { type: 'string', multiple: true },
  'content-type': { type: 'string' },
  encryption: { type: 'string' },
  'key-file': { type: 'string' },
  'entrust-key': { type: 'boolean' },
  name: { type: 'string' },
  'expect-size': { type: 'string' },
  'max-rate': { type: 'string' },
  concurrency: { type: 'string' },
  'part-size': { type: 'string' },
  recursive: { type: 'boolean', short: 'r' },
  'follow-links': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the arguments after the program's name. */
export function readArguments(args: readonly string[], env: Environment): CliArguments {
  const [command, ...others] = args;
  try {
    return command === 'rotate' ? readRotation(others, env) : read(args, env);
  } catch (error) {
    return { kind: 'mistake', message: messageOf(error) };
  }
}

/** Node's own words about options go on with advice that does not fit here. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isNodes = String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  return isNodes ? `${error.message.split(/\. |\n/)[0]?.replace(/\.$/, '')}.` : error.message;
}

function read(args: readonly string[], env: Environment): CliArguments {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (args.length === 0) return { kind: 'nothing' };
  if (values.help) return { kind: 'help' };
  const files = filesOf(positionals);
  assertStandardInput(files, values);
  const encryption = parseEncryption(values.encryption, values['key-file'], values['entrust-key']);
  return {
    kind: 'upload',
    files,
    ...readConnection(values, env),
    isRecursive: values.recursive ?? false,
    followLinks: values['follow-links'] ?? false,
    isJson: values.json ?? false,
    ...readDescription(values),
    ...(encryption && { encryption }),
    ...optional('expectedSizeBytes', '--expect-size', values['expect-size'], parseByteSize),
    ...optional('maxBytesPerSecond', '--max-rate', values['max-rate'], parseByteRate),
    ...optional('concurrency', '--concurrency', values.concurrency, parseCount),
    ...optional('partSizeBytes', '--part-size', values['part-size'], parsePartSize),
  };
}

/** What is kept with the objects. */
function readDescription({
  connector,
  name,
  'content-type': contentType,
}: {
  readonly connector?: string;
  readonly name?: string;
  readonly 'content-type'?: string;
}): Pick<UploadArguments, 'connectorId' | 'contentType' | 'name'> {
  return {
    ...(connector !== undefined && { connectorId: readConnector(connector) }),
    ...(contentType !== undefined && { contentType }),
    ...(name !== undefined && { name }),
  };
}

function filesOf([command = '', ...files]: readonly string[]): readonly string[] {
  if (command !== 'upload')
    throw new TypeError(
      `There is no command "${command}". Write: longhaul upload FILE, or longhaul rotate NODE_ID`,
    );
  if (files.length === 0) throw new TypeError('No file was named. Write: longhaul upload FILE');
  return files;
}

/** What arrives by a pipe has no name, and can be read once. */
function assertStandardInput(
  files: readonly string[],
  { name, 'expect-size': expectSize }: { readonly name?: string; readonly 'expect-size'?: string },
): void {
  const hasInput = files.includes('-');
  if (hasInput && files.length > 1)
    throw new TypeError(
      '- (standard input) is uploaded alone. Upload the files with a command of their own.',
    );
  if (hasInput && !name) throw new TypeError('- (standard input) needs a name: --name backup.tar');
  if (!hasInput && (name !== undefined || expectSize !== undefined))
    throw new TypeError('--name and --expect-size are for - (standard input): files have a name and a size.');
}

/** The coordinator would refuse it too, once for each file. */
function readConnector(text: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(text)) return text;
  throw new TypeError(
    `--connector: it has 1 to 128 letters, digits, ".", "_" and "-", and does not begin with "."; got "${text}".`,
  );
}

/** A member of the result, if the option was given; a mistake in it names the option. */
function optional<Name extends string>(
  name: Name,
  option: string,
  text: string | undefined,
  parse: (text: string) => number,
): Partial<Record<Name, number>> {
  if (text === undefined) return {};
  try {
    return { [name]: parse(text) } as Record<Name, number>;
  } catch (error) {
    throw new RangeError(`${option}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function parsePartSize(text: string): number {
  const sizeBytes = parseByteSize(text);
  if (sizeBytes >= MIN_PART_SIZE_BYTES && sizeBytes <= MAX_PART_SIZE_BYTES) return sizeBytes;
  throw new RangeError(`"${text}" is not from 5MiB to 5GiB, which is what S3 takes.`);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new RangeError(`"${text}" is no whole number from 1 to 999.`);
  return Number(text);
}

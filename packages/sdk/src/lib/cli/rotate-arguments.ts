import { parseArgs } from 'node:util';
import { type Connection, type Environment, readConnection } from './connection.ts';
import { type EncryptionArgument, parseEncryption } from './encryption.ts';

/** `longhaul rotate` with everything read. */
export interface RotateArguments extends Connection {
  readonly nodeIds: readonly string[];
  readonly encryption: EncryptionArgument;
  /** Of the key that the objects have; `-` is standard input. */
  readonly oldKeyFile?: string;
  readonly deleteVersions: boolean;
  readonly isJson: boolean;
}

const OPTIONS = {
  coordinator: { type: 'string' },
  header: { type: 'string', multiple: true },
  encryption: { type: 'string' },
  'key-file': { type: 'string' },
  'old-key-file': { type: 'string' },
  'delete-versions': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Reads the arguments after `rotate`. @throws TypeError naming the option */
export function readRotation(
  args: readonly string[],
  env: Environment,
): ({ readonly kind: 'rotate' } & RotateArguments) | { readonly kind: 'help'; readonly command: 'rotate' } {
  const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  if (values.help) return { kind: 'help', command: 'rotate' };
  if (positionals.length === 0)
    throw new TypeError('No object was named. Write: longhaul rotate NODE_ID --encryption MODE');
  const encryption = parseEncryption(values.encryption, values['key-file']);
  if (!encryption) throw new TypeError('--encryption is missing: sse-s3, sse-kms, sse-kms:KEY or sse-c.');
  const oldKeyFile = values['old-key-file'];
  if (oldKeyFile === '-' && values['key-file'] === '-')
    throw new TypeError('- (standard input) holds one key. Give the other one in a file.');
  return {
    kind: 'rotate',
    nodeIds: positionals.map(readNodeId),
    encryption,
    ...(oldKeyFile !== undefined && { oldKeyFile }),
    deleteVersions: values['delete-versions'] ?? false,
    isJson: values.json ?? false,
    ...readConnection(values, env),
  };
}

function readNodeId(text: string): string {
  if (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text.toLowerCase();
  throw new TypeError(`NODE_ID: it is the uploadId of an upload, a UUID, got "${text}".`);
}

import { isLoopbackHost } from '../http/origins.ts';
import { Secret } from '../secret.ts';
import type { EnvReader } from './env-reader.ts';

/** Where keys of customers wait, for stores that want them of the coordinator, too. */
export type KeyVaultConfig = {
  readonly ttlSeconds: number;
} & (
  | { readonly kind: 'envelope'; readonly masterKeys: MasterKeySource }
  | { readonly kind: 'aws-kms'; readonly keyId: string }
  | {
      readonly kind: 'transit';
      readonly url: string;
      readonly key: string;
      readonly mount: string | undefined;
      readonly namespace: string | undefined;
      readonly token: TokenSource;
    }
);

/** Who has the master keys of an envelope. */
export type MasterKeySource =
  | { readonly kind: 'text'; readonly text: Secret }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'aws-secret'; readonly secretId: string };

/** Who has the token of a transit engine; a file is read for each call, because an agent may renew it. */
export type TokenSource =
  | { readonly kind: 'text'; readonly token: Secret }
  | { readonly kind: 'file'; readonly path: string };

const KINDS = ['envelope', 'aws-kms', 'transit'] as const;

/** Variables of the key vault and what they mean, for `--help`. */
export const KEY_VAULT_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  [
    'LONGHAUL_KEY_VAULT',
    `${KINDS.join(', ')}: keeps keys of SSE-C for stores that want them of the coordinator; default none`,
  ],
  ['LONGHAUL_KEY_VAULT_TTL_SECONDS', 'how long a key is kept after its last use, 60 to 3600; default 3600'],
  [
    'LONGHAUL_MASTER_KEYS',
    'id:base64 of 32 bytes, newest first, separated by commas: master keys of envelope',
  ],
  ['LONGHAUL_MASTER_KEYS_FILE', 'file that holds them, one a line'],
  ['LONGHAUL_MASTER_KEYS_SECRET', 'name or ARN of a secret of AWS Secrets Manager that holds them'],
  ['LONGHAUL_KMS_KEY_ID', 'id, ARN or alias of the key of aws-kms'],
  ['LONGHAUL_TRANSIT_URL', 'https://… of OpenBao or HashiCorp Vault'],
  ['LONGHAUL_TRANSIT_KEY', 'name of its transit key'],
  ['LONGHAUL_TRANSIT_MOUNT', 'where its transit engine is mounted; default transit'],
  ['LONGHAUL_TRANSIT_NAMESPACE', 'its namespace'],
  ['LONGHAUL_TRANSIT_TOKEN', 'token that may update encrypt and decrypt of the key'],
  ['LONGHAUL_TRANSIT_TOKEN_FILE', 'file that holds the token, read for each call'],
];

/** Reads where keys wait; `undefined`: nowhere. What is wrong is added to the reader's problems, no value repeated. */
export function readKeyVault(reader: EnvReader): KeyVaultConfig | undefined {
  const kind = reader.text('LONGHAUL_KEY_VAULT');
  const ttlSeconds = reader.integer('LONGHAUL_KEY_VAULT_TTL_SECONDS', 3600, [60, 3600]);
  if (kind === undefined) {
    refuseOthers(reader, 'LONGHAUL_KEY_VAULT is required with', '');
    return undefined;
  }
  reader.choice('LONGHAUL_KEY_VAULT', kind, KINDS);
  refuseOthers(reader, `LONGHAUL_KEY_VAULT=${kind} has no use for`, PREFIXES[kind] ?? 'LONGHAUL_');
  switch (kind) {
    case 'envelope':
      return { kind, ttlSeconds, masterKeys: readMasterKeySource(reader) };
    case 'aws-kms':
      return { kind, ttlSeconds, keyId: required(reader, 'LONGHAUL_KMS_KEY_ID') };
    case 'transit':
      return {
        kind,
        ttlSeconds,
        url: readAddress(reader),
        key: required(reader, 'LONGHAUL_TRANSIT_KEY'),
        mount: reader.text('LONGHAUL_TRANSIT_MOUNT'),
        namespace: reader.text('LONGHAUL_TRANSIT_NAMESPACE'),
        token: readTokenSource(reader),
      };
    default:
      return undefined;
  }
}

/** How the variables of each kind begin. */
const PREFIXES: Readonly<Record<string, string>> = {
  envelope: 'LONGHAUL_MASTER_KEYS',
  'aws-kms': 'LONGHAUL_KMS_',
  transit: 'LONGHAUL_TRANSIT_',
};

/** What stands in the environment and is not read is a mistake that somebody would like to hear of. */
function refuseOthers(reader: EnvReader, complaint: string, prefix: string): void {
  const others = KEY_VAULT_VARIABLES.map(([name]) => name).filter(
    (name) =>
      !name.startsWith('LONGHAUL_KEY_VAULT') &&
      !(prefix !== '' && name.startsWith(prefix)) &&
      reader.text(name) !== undefined,
  );
  if (others.length > 0) reader.problems.push(`${complaint} ${others.join(', ')}`);
}

function readMasterKeySource(reader: EnvReader): MasterKeySource {
  const text = reader.text('LONGHAUL_MASTER_KEYS');
  const path = reader.text('LONGHAUL_MASTER_KEYS_FILE');
  const secretId = reader.text('LONGHAUL_MASTER_KEYS_SECRET');
  const given = [text, path, secretId].filter((value) => value !== undefined);
  if (given.length !== 1) {
    reader.problems.push(
      'LONGHAUL_KEY_VAULT=envelope needs one of LONGHAUL_MASTER_KEYS, LONGHAUL_MASTER_KEYS_FILE and LONGHAUL_MASTER_KEYS_SECRET',
    );
  }
  if (path !== undefined) return { kind: 'file', path };
  if (secretId !== undefined) return { kind: 'aws-secret', secretId };
  return { kind: 'text', text: new Secret(text ?? '') };
}

function readTokenSource(reader: EnvReader): TokenSource {
  const token = reader.text('LONGHAUL_TRANSIT_TOKEN');
  const path = reader.text('LONGHAUL_TRANSIT_TOKEN_FILE');
  if ((token === undefined) === (path === undefined)) {
    reader.problems.push(
      'LONGHAUL_KEY_VAULT=transit needs one of LONGHAUL_TRANSIT_TOKEN and LONGHAUL_TRANSIT_TOKEN_FILE',
    );
  }
  return path === undefined ? { kind: 'text', token: new Secret(token ?? '') } : { kind: 'file', path };
}

/** Keys travel to it; only on this machine may they do so in the clear. */
function readAddress(reader: EnvReader): string {
  const given = reader.url('LONGHAUL_TRANSIT_URL', ['https:', 'http:']);
  const isPlain = given !== undefined && new URL(given).protocol === 'http:';
  if (given === undefined && reader.text('LONGHAUL_TRANSIT_URL') === undefined)
    required(reader, 'LONGHAUL_TRANSIT_URL');
  if (isPlain && !isLoopbackHost(new URL(given).hostname))
    reader.problems.push('LONGHAUL_TRANSIT_URL must begin with https://: keys travel over it');
  return given ?? '';
}

function required(reader: EnvReader, name: string): string {
  const value = reader.text(name);
  if (value === undefined)
    reader.problems.push(`${name} is required with LONGHAUL_KEY_VAULT=${reader.text('LONGHAUL_KEY_VAULT')}`);
  return value ?? '';
}

import { tokenKeyError } from '../coordinator-options.ts';
import {
  type CoordinatorSettings,
  NO_LIMIT,
  SETTING_RANGES,
  settingErrors,
  settingsOf,
} from '../coordinator-settings.ts';
import { isLoopbackHost } from '../http/origins.ts';
import {
  type AuthorizeConfig,
  AUTHORIZE_VARIABLES,
  isAuthorized,
  readAuthorize,
} from './authorize-config.ts';
import { Secret } from '../secret.ts';
import { LOG_VARIABLES, type LogConfig, readLog } from './log-config.ts';
import { createEnvReader, type EnvReader, isUrl } from './env-reader.ts';
import { readStore, STORE_VARIABLES, type StoreConfig } from './store-config.ts';
import { KEY_VAULT_VARIABLES, type KeyVaultConfig, readKeyVault } from './key-vault-config.ts';
import { METRICS_VARIABLES, type MetricsConfig, readMetrics } from './metrics-config.ts';
import { POLICY_SETTINGS, POLICY_VARIABLES, readPolicies } from './policy-config.ts';
import { SETTING_MEANINGS } from './setting-meanings.ts';
import { readSinks, SINK_VARIABLES, type SinksConfig } from './sinks-config.ts';

/** What `longhaul-coordinator` runs with. */
export interface ServeConfig {
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly store: StoreConfig;
  readonly memory: MemoryConfig;
  readonly sinks: SinksConfig;
  readonly metrics: MetricsConfig | undefined;
  readonly keyVault: KeyVaultConfig | undefined;
  /** Whether `serve` sweeps, relays and removes what is old by itself. */
  readonly backgroundWork: boolean;
  readonly sweepEverySeconds: number;
  /** Given keys; without them a key file beside the SQLite file is used. */
  readonly tokenKeys: readonly Secret[] | undefined;
  readonly settings: Partial<CoordinatorSettings>;
  readonly corsOrigins: readonly string[] | undefined;
  readonly authorize: AuthorizeConfig;
  readonly log: LogConfig;
}

/** Where uploads are remembered: one file, or Postgres and Redis. */
export type MemoryConfig =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'servers'; readonly databaseUrl: Secret; readonly redisUrls: readonly Secret[] };

/** Every environment variable that is wrong, each in one sentence. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The configuration is wrong in ${problems.length} place(s):\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

/** Variables that are read and what they mean, for `--help`. */
export const VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ...STORE_VARIABLES,
  ['AWS_ACCESS_KEY_ID', 'with AWS_SECRET_ACCESS_KEY: credentials; or any other way the AWS SDK knows'],
  ['LONGHAUL_HOST', 'address to listen on; default 127.0.0.1. Others need to know who may create uploads'],
  ['LONGHAUL_PORT', 'port to listen on; default 8787, 0 for any free one'],
  ['LONGHAUL_SQLITE_FILE', 'file that remembers uploads on one machine; default ./longhaul.sqlite'],
  ['LONGHAUL_DATABASE_URL', 'postgres://… instead of the file, for many machines; needs LONGHAUL_REDIS_URL'],
  ['LONGHAUL_REDIS_URL', 'redis://…; several, separated by commas, are the nodes of a Redis Cluster'],
  [
    'LONGHAUL_TOKEN_KEYS',
    'keys that sign upload tokens, newest first, separated by commas; default: a key file beside the SQLite file',
  ],
  ...AUTHORIZE_VARIABLES,
  ['LONGHAUL_CORS_ORIGINS', 'origins whose pages may call, separated by commas; default: loopback ones'],
  ...SINK_VARIABLES,
  ...METRICS_VARIABLES,
  ...POLICY_VARIABLES,
  ...KEY_VAULT_VARIABLES,
  ...LOG_VARIABLES,
  [
    'LONGHAUL_BACKGROUND_WORK',
    'true or false: whether serve sweeps and tells events by itself, or leaves it to the commands; default true',
  ],
  ['LONGHAUL_SWEEP_EVERY_SECONDS', 'pause between two sweeps of serve, 1 to 3600; default 30'],
  [
    'LONGHAUL_KEY_TEMPLATE',
    `object key; may hold {installationId}, too; default ${settingsOf({}).keyTemplate}`,
  ],
  [
    'LONGHAUL_ALLOWED_CONTENT_TYPES',
    'content types that may be uploaded (image/png, image/*), separated by commas; default all',
  ],
  ...Object.entries(SETTING_RANGES).map(
    ([name, range]) => [variableOf(name), describeRange(name, range)] as const,
  ),
];

/** Variables of our other programs, which may stand in the same environment. */
const FOREIGN_VARIABLES = /^LONGHAUL_(AUTHORIZATION|COORDINATOR|TEST_.*)$/;

/**
 * Reads the configuration from environment variables.
 *
 * @throws ConfigError naming everything that is wrong, at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ServeConfig {
  const reader = createEnvReader(env);
  const config: ServeConfig = {
    host: (reader.text('LONGHAUL_HOST') ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'),
    port: reader.integer('LONGHAUL_PORT', 8787, [0, 65_535]),
    store: readStore(reader),
    memory: readMemory(reader),
    sinks: readSinks(reader),
    metrics: readMetrics(reader),
    keyVault: readKeyVault(reader),
    backgroundWork: reader.boolean('LONGHAUL_BACKGROUND_WORK', true),
    sweepEverySeconds: reader.integer('LONGHAUL_SWEEP_EVERY_SECONDS', 30, [1, 3600]),
    tokenKeys: reader.secretList('LONGHAUL_TOKEN_KEYS'),
    settings: readSettings(reader),
    corsOrigins: reader.list('LONGHAUL_CORS_ORIGINS'),
    authorize: readAuthorize(reader),
    log: readLog(reader),
  };
  const crossed = settingErrors(settingsOf(config.settings)).map(inVariables);
  const problems = [...unknownVariables(env), ...reader.problems, ...crossed, ...safetyProblems(config)];
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readMemory(reader: EnvReader): MemoryConfig {
  reader.url('LONGHAUL_DATABASE_URL', ['postgres:', 'postgresql:']);
  const databaseUrl = reader.secret('LONGHAUL_DATABASE_URL') ?? new Secret('');
  const redisUrls = reader.secretList('LONGHAUL_REDIS_URL') ?? [];
  const sqliteFile = reader.text('LONGHAUL_SQLITE_FILE');
  if (!reader.text('LONGHAUL_DATABASE_URL') && redisUrls.length === 0) {
    return { kind: 'sqlite', path: sqliteFile ?? 'longhaul.sqlite' };
  }
  if (!redisUrls.every((url) => isUrl(url.reveal(), ['redis:', 'rediss:']))) {
    reader.problems.push('LONGHAUL_REDIS_URL must hold URLs that begin with redis:// or rediss://');
  }
  if (!reader.text('LONGHAUL_DATABASE_URL'))
    reader.problems.push('LONGHAUL_DATABASE_URL is required with LONGHAUL_REDIS_URL');
  if (redisUrls.length === 0)
    reader.problems.push('LONGHAUL_REDIS_URL is required with LONGHAUL_DATABASE_URL');
  if (sqliteFile)
    reader.problems.push(
      'LONGHAUL_SQLITE_FILE has no meaning beside LONGHAUL_DATABASE_URL: drop one of them',
    );
  return { kind: 'servers', databaseUrl, redisUrls };
}

function readSettings(reader: EnvReader): Partial<CoordinatorSettings> {
  const defaults = settingsOf({});
  const numbers = Object.entries(SETTING_RANGES).flatMap(([name, range]) => {
    const fallback = defaults[name as keyof typeof SETTING_RANGES];
    const variable = variableOf(name);
    return reader.text(variable) ? [[name, reader.integer(variable, fallback, range)]] : [];
  });
  const keyTemplate = reader.text('LONGHAUL_KEY_TEMPLATE');
  const allowedContentTypes = reader.list('LONGHAUL_ALLOWED_CONTENT_TYPES');
  return {
    ...Object.fromEntries(numbers),
    ...readPolicies(reader),
    ...(keyTemplate && { keyTemplate }),
    ...(allowedContentTypes && { allowedContentTypes }),
  };
}

function safetyProblems(config: ServeConfig): string[] {
  const problems: string[] = [];
  for (const origin of config.corsOrigins ?? []) {
    if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) continue;
    problems.push(
      `LONGHAUL_CORS_ORIGINS must hold origins as browsers send them, for example https://app.example, got "${origin}"`,
    );
  }
  if (!isAuthorized(config.authorize) && !isLoopbackHost(config.host)) {
    problems.push(
      `LONGHAUL_HOST=${config.host} would open the coordinator to other machines, and anybody there could upload. Set ` +
        'LONGHAUL_JWT_JWKS_URL, LONGHAUL_API_KEYS_FILE or LONGHAUL_AUTHORIZE_MODULE, or listen on 127.0.0.1',
    );
  }
  const keyProblem = config.tokenKeys && tokenKeyError(config.tokenKeys);
  if (keyProblem) problems.push(keyProblem.replace('tokenKeys', 'LONGHAUL_TOKEN_KEYS'));
  if (!config.tokenKeys && config.memory.kind === 'servers') {
    problems.push(
      'LONGHAUL_TOKEN_KEYS is required with LONGHAUL_DATABASE_URL: every replica needs the same keys',
    );
  }
  return problems;
}

function unknownVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(VARIABLES.map(([name]) => name));
  return Object.keys(env)
    .filter((name) => name.startsWith('LONGHAUL_') && !known.has(name) && !FOREIGN_VARIABLES.test(name))
    .map((name) => `${name} is not known here: is it misspelt? See longhaul-coordinator --help`);
}

/** `inlineMaxBytes` → `LONGHAUL_INLINE_MAX_BYTES` */
function variableOf(settingName: string): string {
  return `LONGHAUL_${settingName.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

function describeRange(settingName: string, [least, most]: readonly [number, number]): string {
  const name = settingName as keyof typeof SETTING_RANGES;
  const standard = settingsOf({})[name];
  const range =
    standard === NO_LIMIT ? `${least} or more; default no limit` : `${least} to ${most}; default ${standard}`;
  return `${SETTING_MEANINGS[name]}: ${range}`;
}

/** A sentence about settings, in the names of the variables that set them. */
function inVariables(problem: string): string {
  const names = [...Object.keys(SETTING_RANGES), 'keyTemplate', 'allowedContentTypes'];
  const told = POLICY_SETTINGS.reduce((text, [name, variable]) => text.replaceAll(name, variable), problem);
  return names.reduce(
    (text, name) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), variableOf(name)),
    told,
  );
}

import { accelerationProblem } from '../ports/acceleration.ts';
import { STORE_PROFILE_NAMES, type StoreProfileName } from '../ports/store-profile.ts';
import type { EnvReader } from './env-reader.ts';

/** Where the objects go. Credentials come from the environment, files or instance roles, as the AWS SDK finds them. */
export interface StoreConfig {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly publicEndpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly accelerate: boolean;
  readonly dualStack: boolean;
  /** A known profile; `undefined`: guessed from the endpoint. */
  readonly profile: StoreProfileName | undefined;
  /** A profile that `doctor --write-profile` has written. */
  readonly profileFile: string | undefined;
}

/** Variables that say where the objects go, for `--help`. */
export const STORE_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['S3_BUCKET', 'bucket that takes the objects (required)'],
  ['S3_REGION', 'its region; default AWS_REGION or us-east-1'],
  ['S3_ENDPOINT', 'URL of a store that is not AWS'],
  ['S3_PUBLIC_ENDPOINT', 'URL of the same store as clients reach it; default S3_ENDPOINT'],
  ['S3_ACCELERATE', 'true or false: clients send by S3 Transfer Acceleration; Amazon S3 only; default false'],
  ['S3_DUALSTACK', 'true or false: host names with IPv6, too; Amazon S3 only; default false'],
  ['S3_FORCE_PATH_STYLE', 'true or false; default true with S3_ENDPOINT'],
  [
    'S3_PROFILE',
    `what the store can do: ${STORE_PROFILE_NAMES.join(', ')}; default: guessed from S3_ENDPOINT, generic where its host tells nothing`,
  ],
  ['S3_PROFILE_FILE', 'instead: a file that longhaul-coordinator doctor --write-profile has measured'],
  ['S3_PROVIDER', 'the older name of S3_PROFILE'],
];

/** Reads where the objects go. What is wrong is added to the reader's problems. */
export function readStore(reader: EnvReader): StoreConfig {
  const endpoint = readEndpoint(reader, 'S3_ENDPOINT');
  const bucket = reader.text('S3_BUCKET');
  if (!bucket) reader.problems.push('S3_BUCKET is required: the bucket that takes the objects');
  const config = {
    bucket: bucket ?? '',
    region: reader.text('S3_REGION') ?? reader.text('AWS_REGION') ?? 'us-east-1',
    endpoint,
    publicEndpoint: readEndpoint(reader, 'S3_PUBLIC_ENDPOINT'),
    forcePathStyle: reader.boolean('S3_FORCE_PATH_STYLE', endpoint !== undefined),
    accelerate: reader.boolean('S3_ACCELERATE', false),
    dualStack: reader.boolean('S3_DUALSTACK', false),
    profile: readProfile(reader),
    profileFile: reader.text('S3_PROFILE_FILE'),
  };
  reader.problems.push(...amazonProblems(config));
  return config;
}

/** Both choose among the endpoints that Amazon S3 has, so there must be nothing that chooses otherwise. */
function amazonProblems(store: StoreConfig): readonly string[] {
  const { bucket, endpoint, publicEndpoint, accelerate, dualStack, forcePathStyle } = store;
  const asked = [accelerate ? 'S3_ACCELERATE' : [], dualStack ? 'S3_DUALSTACK' : []].flat();
  const problems = asked.flatMap((name) =>
    endpoint === undefined ? [] : [`${name} is for Amazon S3 itself: it has no meaning beside S3_ENDPOINT`],
  );
  if (!accelerate) return problems;
  if (publicEndpoint !== undefined)
    problems.push('S3_ACCELERATE has no meaning beside S3_PUBLIC_ENDPOINT: drop one of them');
  if (endpoint === undefined && forcePathStyle)
    problems.push('S3_ACCELERATE has the bucket in the host name: drop S3_FORCE_PATH_STYLE');
  const name = bucket === '' ? undefined : accelerationProblem(bucket);
  return name === undefined ? problems : [...problems, `S3_ACCELERATE ${name}`];
}

function readProfile(reader: EnvReader): StoreProfileName | undefined {
  const name = reader.text('S3_PROFILE') === undefined ? 'S3_PROVIDER' : 'S3_PROFILE';
  if (reader.text(name) === undefined) return undefined;
  if (reader.text('S3_PROFILE_FILE') !== undefined)
    reader.problems.push(`S3_PROFILE_FILE has no meaning beside ${name}: drop one of them`);
  const given = reader.choice(name, 'generic', STORE_PROFILE_NAMES);
  return STORE_PROFILE_NAMES.find((known) => known === given);
}

/** Credentials have variables of their own, and in an endpoint they would reach messages and presigned URLs. */
function readEndpoint(reader: EnvReader, name: string): string | undefined {
  const endpoint = reader.url(name, ['http:', 'https:']);
  if (endpoint === undefined) return undefined;
  const { username, password, search, hash } = new URL(endpoint);
  if (`${username}${password}${search}${hash}` !== '')
    reader.problems.push(`${name} must hold no user name, password or query`);
  return endpoint;
}

import { isLoopbackHost } from '../http/origins.ts';
import { JWT_ALGORITHMS, type JwtAlgorithm } from '../ports/jwt-algorithms.ts';
import type { EnvReader } from './env-reader.ts';

/** Who says who may create uploads. With nobody only this machine may. */
export interface AuthorizeConfig {
  /** File that exports `authorize`. */
  readonly module: string | undefined;
  readonly jwt: JwtConfig | undefined;
  readonly apiKeys: ApiKeysConfig | undefined;
}

/** Tokens of an identity provider. */
export interface JwtConfig {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly JwtAlgorithm[] | undefined;
  readonly ownerClaim: string | undefined;
  readonly clockToleranceSeconds: number;
}

/** Keys of services, by their digests. */
export type ApiKeysConfig =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'text'; readonly text: string };

/** Variables that say who may create uploads, for `--help`. */
export const AUTHORIZE_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['LONGHAUL_AUTHORIZE_MODULE', 'file that exports authorize(request): who may create uploads'],
  ['LONGHAUL_JWT_JWKS_URL', 'https://…: public keys of an identity provider whose JWTs may create uploads'],
  ['LONGHAUL_JWT_ISSUER', 'what iss of such a JWT must be'],
  ['LONGHAUL_JWT_AUDIENCE', 'what aud of such a JWT must hold'],
  ['LONGHAUL_JWT_ALGORITHMS', `of ${JWT_ALGORITHMS.join(', ')}; default RS256,ES256,EdDSA`],
  ['LONGHAUL_JWT_OWNER_CLAIM', 'claim that names the owner; default sub'],
  ['LONGHAUL_JWT_CLOCK_TOLERANCE_SECONDS', 'how far its clock may differ, 0 to 300; default 5'],
  ['LONGHAUL_API_KEYS_FILE', 'keys that may create uploads, as longhaul-coordinator api-key makes them'],
  ['LONGHAUL_API_KEYS', 'the same lines, separated by commas, instead of a file'],
];

/** Reads who may create uploads. What is wrong is added to the reader's problems. */
export function readAuthorize(reader: EnvReader): AuthorizeConfig {
  const config = {
    module: reader.text('LONGHAUL_AUTHORIZE_MODULE'),
    jwt: readJwt(reader),
    apiKeys: readApiKeys(reader),
  };
  if (config.module && (config.jwt ?? config.apiKeys)) {
    reader.problems.push(
      'LONGHAUL_AUTHORIZE_MODULE decides alone: drop it, or LONGHAUL_JWT_… and LONGHAUL_API_KEYS…',
    );
  }
  return config;
}

/** Where nobody creates uploads. */
export const NOBODY: AuthorizeConfig = { module: undefined, jwt: undefined, apiKeys: undefined };

/** Whether anybody is asked who a caller is. */
export function isAuthorized({ module, jwt, apiKeys }: AuthorizeConfig): boolean {
  return (module ?? jwt ?? apiKeys) !== undefined;
}

function readJwt(reader: EnvReader): JwtConfig | undefined {
  const given = AUTHORIZE_VARIABLES.map(([name]) => name).filter(
    (name) => name.startsWith('LONGHAUL_JWT_') && reader.text(name) !== undefined,
  );
  if (given.length === 0) return undefined;
  const required = (name: string): string => {
    const value = reader.text(name);
    if (value === undefined) reader.problems.push(`${name} is required with ${given[0]}`);
    return value ?? '';
  };
  const algorithms = reader.list('LONGHAUL_JWT_ALGORITHMS');
  const wrong = algorithms?.find((name) => !JWT_ALGORITHMS.includes(name as JwtAlgorithm));
  if (wrong !== undefined)
    reader.problems.push(`LONGHAUL_JWT_ALGORITHMS must be of ${JWT_ALGORITHMS.join(', ')}, got "${wrong}"`);
  return {
    jwksUrl: readJwksUrl(reader, required('LONGHAUL_JWT_JWKS_URL')),
    issuer: required('LONGHAUL_JWT_ISSUER'),
    audience: required('LONGHAUL_JWT_AUDIENCE'),
    algorithms: algorithms as readonly JwtAlgorithm[] | undefined,
    ownerClaim: reader.text('LONGHAUL_JWT_OWNER_CLAIM'),
    clockToleranceSeconds: reader.integer('LONGHAUL_JWT_CLOCK_TOLERANCE_SECONDS', 5, [0, 300]),
  };
}

/** Who can change the keys on their way can sign any token. */
function readJwksUrl(reader: EnvReader, url: string): string {
  if (url === '') return url;
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname)))
    reader.problems.push('LONGHAUL_JWT_JWKS_URL must be an https URL, or http on this machine');
  return url;
}

function readApiKeys(reader: EnvReader): ApiKeysConfig | undefined {
  const path = reader.text('LONGHAUL_API_KEYS_FILE');
  const keys = reader.list('LONGHAUL_API_KEYS');
  if (path && keys)
    reader.problems.push('LONGHAUL_API_KEYS has no meaning beside LONGHAUL_API_KEYS_FILE: drop one of them');
  if (path) return { kind: 'file', path };
  return keys && { kind: 'text', text: keys.join('\n') };
}

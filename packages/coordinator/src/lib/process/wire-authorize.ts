import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Authorize } from '../ports/authorizer.ts';
import type { ApiKeysConfig, AuthorizeConfig, JwtConfig } from './authorize-config.ts';
import { ConfigError } from './config.ts';
import { readNamedFile } from './file-problem.ts';
import { loadDriver } from './load-driver.ts';

/** Services bring keys and people tokens: where both are taken, either will do. */
export async function wireAuthorize({
  module,
  jwt,
  apiKeys,
}: AuthorizeConfig): Promise<Authorize | undefined> {
  if (module !== undefined) return await loadAuthorize(module);
  const byKey = apiKeys && (await wireApiKeys(apiKeys));
  const byJwt = jwt && (await wireJwt(jwt));
  if (!byKey || !byJwt) return byKey ?? byJwt;
  return async (request) => (await byKey(request)) ?? (await byJwt(request));
}

async function wireJwt({ algorithms, ownerClaim, ...required }: JwtConfig): Promise<Authorize> {
  await loadDriver('jose', 'LONGHAUL_JWT_JWKS_URL', () => import('jose'));
  const { createJwtAuthorize } = await import('../adapters/jwt/jwt-authorize.ts');
  return createJwtAuthorize({
    ...required,
    ...(algorithms && { algorithms }),
    ...(ownerClaim !== undefined && { ownerClaim }),
  });
}

async function wireApiKeys(config: ApiKeysConfig): Promise<Authorize> {
  const { createApiKeyAuthorize, parseApiKeys } = await import('../adapters/api-keys/api-key-authorize.ts');
  const variable = config.kind === 'file' ? `LONGHAUL_API_KEYS_FILE=${config.path}` : 'LONGHAUL_API_KEYS';
  const text =
    config.kind === 'file' ? await readNamedFile('LONGHAUL_API_KEYS_FILE', config.path) : config.text;
  try {
    return createApiKeyAuthorize({ keys: parseApiKeys(text) });
  } catch (error) {
    throw new ConfigError([`${variable}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

async function loadAuthorize(path: string): Promise<Authorize> {
  const problem = (what: string): ConfigError =>
    new ConfigError([`LONGHAUL_AUTHORIZE_MODULE=${path} ${what}`]);
  const loaded = await import(pathToFileURL(resolve(path)).href).catch((error: unknown) => {
    throw problem(`cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  });
  const { authorize } = loaded as { authorize?: unknown };
  if (typeof authorize === 'function') return authorize as Authorize;
  throw problem(`must export a function named authorize, got ${typeof authorize}`);
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWorld, type ProcessWorld } from './process-world.ts';

let world: ProcessWorld;
beforeEach(async () => {
  world = await openWorld();
});
afterEach(async () => {
  await world.close();
});

/** What Node does where the package is not installed. */
function without(packageName: string): string {
  const code = `import { registerHooks } from 'node:module';
    registerHooks({ resolve(specifier, context, next) {
      if (specifier !== '${packageName}') return next(specifier, context);
      throw Object.assign(new Error('no such package'), { code: 'ERR_MODULE_NOT_FOUND' });
    } });`;
  return `--import=data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
}

describe('a package that is installed only by those who use it', () => {
  it.each<[string, Record<string, string>]>([
    ['prom-client', { LONGHAUL_METRICS_PORT: '9464' }],
    ['@aws-sdk/client-kms', { LONGHAUL_KEY_VAULT: 'aws-kms', LONGHAUL_KMS_KEY_ID: 'alias/keys' }],
    [
      '@aws-sdk/client-secrets-manager',
      { LONGHAUL_KEY_VAULT: 'envelope', LONGHAUL_MASTER_KEYS_SECRET: 'keys' },
    ],
  ])('is asked for by name when it is missing: %s', async (packageName, env) => {
    const server = world.run(['serve'], { ...env, NODE_OPTIONS: without(packageName) });
    expect(await server.ended).toBe(2);
    expect(server.said.stderr).toContain(`npm install ${packageName}`);
  });
});

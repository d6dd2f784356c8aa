/** schemathesis: makes calls up from an OpenAPI document. Nothing stays running: tests start the program themselves. */
import { runOrThrow } from './command.ts';
import { findPython, installPython, PYTHON_PACKAGES, type PythonProgram } from './python-venv.ts';
import { readVariable, type Candidate, type Service } from './service.ts';

const VARIABLE = 'LONGHAUL_TEST_SCHEMATHESIS';

const PROGRAM: PythonProgram = {
  name: 'schemathesis',
  version: '4.32.5',
  requirements: ['schemathesis==4.32.5'],
  program: 'bin/schemathesis',
};

/** The program, for tests/fuzz. */
export const schemathesis: Service = {
  name: 'schemathesis',
  variables: [VARIABLE],
  aptPackages: PYTHON_PACKAGES,
  find,
  build: (signal) => installPython(PROGRAM, signal),
  docker: { kind: 'none', reason: 'tests must start it themselves, which no container allows' },
  probe: async (env) => void (await runOrThrow(readVariable(env, VARIABLE), ['--version'])),
};

async function find(): Promise<Candidate> {
  const found = await findPython(PROGRAM);
  if (found.kind === 'missing') return found;
  const env = { [VARIABLE]: found.program };
  return { kind: 'found', version: PROGRAM.version, launch: async () => env };
}

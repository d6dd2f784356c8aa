import { expect, it, vi } from 'vitest';
import { withServices, type RunningServices } from './run-services.ts';
import type { Launch, Service } from './service.ts';

const quiet = (): void => undefined;

/** A service that is on this machine and starts, unless told otherwise. */
function createService(
  changes: Partial<Service> = {},
  launch: Launch = async () => ({ FAKE_URL: 'fake://1' }),
): Service {
  return {
    name: 'fake',
    variables: ['FAKE_URL'],
    aptPackages: [],
    find: async () => ({ kind: 'found', version: '1.2.3', launch }),
    docker: { kind: 'none', reason: 'no image' },
    probe: async () => undefined,
    ...changes,
  };
}

function start(service: Service): Promise<RunningServices> {
  return withServices([service], quiet, async (running) => running);
}

it('starts what is there and hands its variables on', async () => {
  const { env, reports } = await start(createService());
  expect(env).toEqual({ FAKE_URL: 'fake://1' });
  expect(reports).toEqual([
    {
      name: 'fake',
      state: 'started',
      origin: 'already there',
      version: '1.2.3',
      startMs: expect.any(Number),
    },
  ]);
});

it('neither starts nor looks for a service that is given', async () => {
  vi.stubEnv('FAKE_URL', 'fake://theirs');
  const find = vi.fn<Service['find']>();
  const { env, reports } = await start(createService({ find }));
  vi.unstubAllEnvs();
  expect(find).not.toHaveBeenCalled();
  expect(env).toEqual({});
  expect(reports).toEqual([{ name: 'fake', state: 'given', address: 'fake://theirs' }]);
});

it('reports a given service that does not answer, or that is given by half', async () => {
  vi.stubEnv('FAKE_URL', 'fake://theirs');
  const silent = createService({
    probe: async () => {
      throw new Error('connection refused');
    },
  });
  const half = createService({ variables: ['FAKE_URL', 'FAKE_KEY'] });
  const reports = [(await start(silent)).reports[0], (await start(half)).reports[0]];
  vi.unstubAllEnvs();
  expect(reports).toEqual([
    { name: 'fake', state: 'unavailable', reason: 'given by FAKE_URL, but: connection refused' },
    { name: 'fake', state: 'unavailable', reason: 'FAKE_URL is set, FAKE_KEY not' },
  ]);
});

it('builds what is missing and looks again', async () => {
  let isBuilt = false;
  const { reports } = await start(
    createService({
      find: async () =>
        isBuilt
          ? { kind: 'found', version: '2', launch: async () => ({}) }
          : { kind: 'missing', reason: 'not on PATH' },
      build: async () => {
        isBuilt = true;
      },
    }),
  );
  expect(reports[0]).toMatchObject({ state: 'started', origin: 'built', version: '2' });
});

it('installs no packages for a build whose tools are there', async () => {
  let isBuilt = false;
  const { reports } = await start(
    createService({
      aptPackages: ['longhaul-there-is-no-such-package'],
      find: async () =>
        isBuilt
          ? { kind: 'found', version: '2', launch: async () => ({}) }
          : { kind: 'missing', reason: 'not built', aptPackages: [] },
      build: async () => {
        isBuilt = true;
      },
    }),
  );
  expect(reports[0]).toMatchObject({ state: 'started', origin: 'built' });
});

it('gives every reason when a service cannot be had, and runs on', async () => {
  const { env, reports } = await start(
    createService({
      find: async () => ({ kind: 'missing', reason: 'not on PATH' }),
      build: async () => {
        throw new Error('no compiler');
      },
    }),
  );
  expect(env).toEqual({});
  expect(reports[0]).toEqual({
    name: 'fake',
    state: 'unavailable',
    reason: 'not on PATH; no compiler; Docker: no image',
  });
});

it('tries a second time, because a port can be taken meanwhile', async () => {
  const launch = vi.fn<Launch>().mockRejectedValueOnce(new Error('address in use')).mockResolvedValueOnce({});
  const { reports } = await start(createService({}, launch));
  expect(launch).toHaveBeenCalledTimes(2);
  expect(reports[0]).toMatchObject({ state: 'started' });
});

it('reports a service that does not start, after stopping the half of it that did', async () => {
  const stopped = vi.fn(async () => undefined);
  const { reports } = await start(
    createService({}, async (place) => {
      place.onStop(stopped);
      throw new Error('no disk');
    }),
  );
  expect(stopped).toHaveBeenCalledTimes(2);
  expect(reports[0]).toMatchObject({ state: 'unavailable', reason: 'does not start: no disk' });
});

it('stops everything when the use of it fails', async () => {
  const stopped = vi.fn(async () => undefined);
  const service = createService({}, async (place) => {
    place.onStop(stopped);
    return {};
  });
  const use = withServices([service], quiet, async () => {
    expect(stopped).not.toHaveBeenCalled();
    throw new Error('test runner fell over');
  });
  await expect(use).rejects.toThrow('test runner fell over');
  expect(stopped).toHaveBeenCalledOnce();
});

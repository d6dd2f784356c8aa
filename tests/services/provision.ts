import { installPackages } from './apt.ts';
import { whyNoDocker } from './docker.ts';
import type { Log } from './progress.ts';
import type { Candidate, Launch, Service } from './service.ts';

/** How a service came to be on this machine. */
export type Origin = 'already there' | 'apt' | 'built' | 'Docker';

/** Programs that can be started, and where they come from; or every reason why there are none. */
export type Provision =
  | { readonly kind: 'ready'; readonly origin: Origin; readonly version: string; readonly launch: Launch }
  | { readonly kind: 'none'; readonly reason: string };

/**
 * Looks for every service and gets what is missing: native first, then Docker. One promise per service, in
 * order, so that what is there already can start while the rest is being installed. None of them rejects.
 */
export async function provisionAll(
  services: readonly Service[],
  log: Log,
  signal: AbortSignal,
): Promise<Promise<Provision>[]> {
  const candidates = await Promise.all(services.map(findSafely));
  const wanted = new Map(
    services.map((service, index) => [service.name, wantedPackages(service, candidates[index])] as const),
  );
  // One apt for all: it works alone anyway, and each call takes seconds to read its lists.
  const apt = installPackages(new Map([...wanted].filter(([, packages]) => packages.length > 0)), (line) =>
    log('apt', line),
  );
  return services.map(async (service, index): Promise<Provision> => {
    const candidate = candidates[index];
    if (candidate?.kind === 'found') return { ...candidate, kind: 'ready', origin: 'already there' };
    const reasons = candidate === undefined ? [] : [candidate.reason];
    if (service.build) log(service.name, 'building');
    const ownApt = (wanted.get(service.name) ?? []).length > 0 ? apt : new Map<string, string>();
    const native = await getNative(service, ownApt, signal);
    if (native.kind === 'ready') return native;
    return getFromDocker(service, [...reasons, native.reason]);
  });
}

async function findSafely(service: Service): Promise<Candidate> {
  try {
    return await service.find();
  } catch (error) {
    return { kind: 'missing', reason: messageOf(error) };
  }
}

function wantedPackages(service: Service, candidate: Candidate | undefined): readonly string[] {
  return candidate?.kind === 'missing' ? (candidate.aptPackages ?? service.aptPackages) : [];
}

/** `apt`: why a service did not get its packages, once they are installed. */
async function getNative(
  service: Service,
  apt: Map<string, string> | Promise<Map<string, string>>,
  signal: AbortSignal,
): Promise<Provision> {
  try {
    const reason = (await apt).get(service.name);
    if (reason !== undefined) return { kind: 'none', reason };
    if (service.build) await service.build(signal);
    const candidate = await service.find();
    if (candidate.kind === 'missing')
      return { kind: 'none', reason: `${candidate.reason} after the install` };
    return { ...candidate, kind: 'ready', origin: service.build ? 'built' : 'apt' };
  } catch (error) {
    return { kind: 'none', reason: messageOf(error) };
  }
}

async function getFromDocker(service: Service, reasons: readonly string[]): Promise<Provision> {
  const { docker } = service;
  const obstacle = docker.kind === 'none' ? docker.reason : await whyNoDocker();
  if (docker.kind === 'none' || obstacle !== undefined) {
    return { kind: 'none', reason: [...reasons, `Docker: ${obstacle}`].join('; ') };
  }
  return { kind: 'ready', origin: 'Docker', version: docker.image, launch: docker.launch };
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

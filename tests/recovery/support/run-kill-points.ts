import { buildReplica } from './build-replica.ts';
import { killPointsOf } from './kill-points.ts';
import { type Lane, openLane, type Servers } from './lane.ts';
import { openPorts } from './ports.ts';
import { type Replica, startReplica } from './replica-process.ts';
import { type Course, runScenario } from './run-scenario.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';

/** A death in a scenario. */
export interface Trial {
  readonly scenario: Scenario;
  readonly point: string;
  readonly hit: number;
}

/** What became of all trials. */
export interface KillReport {
  /** Deaths by point; 0 where nobody died. */
  readonly killPoints: Readonly<Record<string, number>>;
  /** What went wrong, one entry for each trial that did not converge. */
  readonly failures: readonly string[];
  readonly recoveryMs: { readonly median: number; readonly max: number; readonly maxAt: string };
  readonly recoveryMsByPoint: Readonly<Record<string, number>>;
  readonly uploads: number;
  readonly resentBytes: number;
  readonly duplicateEventsPer1000Uploads: number;
}

/** How much to try. */
export interface KillWish {
  /** Trials at once, each with servers' parts of its own. */
  readonly lanes: number;
  /** Which of all that could be tried. */
  readonly choose: (plan: Plan) => readonly Trial[];
  readonly scenarios?: readonly Scenario[];
  /** No trial begins after this (`performance.now()`). Default: all of them are made. */
  readonly untilMs?: number;
  readonly log: (line: string) => void;
}

/** What can be tried. */
export interface Plan {
  readonly points: readonly string[];
  /** How often a replica that does not die reaches each point, by scenario. */
  readonly reached: ReadonlyMap<Scenario, Readonly<Record<string, number>>>;
}

/** Each point once, the first time that it is reached, in the first scenario that reaches it. */
export function eachPointOnce({ points, reached }: Plan): readonly Trial[] {
  return points.flatMap((point) => {
    const found = [...reached].find(([, hits]) => (hits[point] ?? 0) > 0);
    return found ? [{ scenario: found[0], point, hit: 1 }] : [];
  });
}

/** Each point of every scenario, the first times that it is reached. */
export function everyTrial({ points, reached }: Plan): readonly Trial[] {
  return [...reached].flatMap(([scenario, hits]) =>
    points.flatMap((point) =>
      Array.from({ length: Math.min(hits[point] ?? 0, MAX_HITS) }, (_, index) => ({
        scenario,
        point,
        hit: index + 1,
      })),
    ),
  );
}

/** Later ones come from loops that find nothing. */
const MAX_HITS = 4;

/**
 * Finds out which points each scenario reaches, then kills a replica at those that were chosen, one after the other, and
 * sees that another one brings everything to its end.
 */
export async function runKillPoints(servers: Servers, wish: KillWish): Promise<KillReport> {
  const program = await buildReplica();
  const lanes = await Promise.all(Array.from({ length: wish.lanes }, () => openTrack(servers, program.path)));
  try {
    const points = pointsOf(lanes[0]!.lane);
    const { scenarios = SCENARIOS, log, untilMs = Number.POSITIVE_INFINITY } = wish;
    const reached = new Map<Scenario, Readonly<Record<string, number>>>();
    const failures: string[] = [];
    await share(lanes, scenarios.map((scenario) => ({ scenario })).values(), (course, { scenario }) => {
      if (course.failure) failures.push(`${scenario.name}, where nobody dies: ${course.failure}`);
      reached.set(scenario, course.hits ?? {});
    });
    // Lanes end them in any order.
    const inOrder = new Map(scenarios.map((scenario) => [scenario, reached.get(scenario) ?? {}]));
    const trials = wish.choose({ points, reached: inOrder });
    const courses: { trial: Trial; course: Course }[] = [];
    const inTime = function* (): Generator<Trial> {
      for (const trial of trials) if (performance.now() < untilMs) yield trial;
    };
    await share(lanes, inTime(), (course, trial) => {
      courses.push({ trial, course });
      const what = `${trial.point} (${trial.hit}) in ${trial.scenario.name}`;
      if (course.failure) failures.push(`${what}: ${course.failure}`);
      log(`${what}: ${course.failure ?? (course.killedAt ? `${course.recoveryMs} ms` : 'was not reached')}`);
    });
    return reportOf(points, courses, failures);
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
    await program.remove();
  }
}

function pointsOf({ addresses }: Lane): readonly string[] {
  const ports = openPorts(addresses);
  ports.objectStore.close();
  return killPointsOf(ports);
}

/** A lane and the replica that survives on it. */
interface Track {
  readonly lane: Lane;
  /** What its replicas run. */
  readonly program: string;
  readonly survivor: Replica;
  close(): Promise<void>;
}

async function openTrack(servers: Servers, program: string): Promise<Track> {
  const lane = await openLane(servers);
  const survivor = startReplica(program, lane.addresses);
  await survivor.ask('serve');
  return {
    lane,
    program,
    survivor,
    async close() {
      await survivor.kill();
      await lane.close();
    },
  };
}

type Attempt = { readonly scenario: Scenario } & Partial<Trial>;

/** Each track takes the next one. The replica of the one after it starts meanwhile: a process takes a second. */
async function share<Each extends Attempt>(
  tracks: readonly Track[],
  attempts: Iterator<Each>,
  end: (course: Course, attempt: Each) => void,
): Promise<void> {
  const startNext = ({ lane, program }: Track): { attempt: Each; replica: Replica } | undefined => {
    const { value: attempt, done } = attempts.next();
    if (done) return undefined;
    const { point, hit = 1, scenario } = attempt;
    const death = point === undefined ? undefined : { point, hit };
    const { lose, clockAheadMs } = scenario;
    return { attempt, replica: startReplica(program, lane.addresses, { death, lose, clockAheadMs }) };
  };
  await Promise.all(
    tracks.map(async (track) => {
      for (let current = startNext(track); current;) {
        const next = startNext(track);
        const { attempt, replica } = current;
        const parts = { scenario: attempt.scenario, replica, survivor: track.survivor };
        end(await runScenario(track.lane, parts), attempt);
        current = next;
      }
    }),
  );
}

function reportOf(
  points: readonly string[],
  courses: readonly { readonly trial: Trial; readonly course: Course }[],
  failures: readonly string[],
): KillReport {
  const killPoints: Record<string, number> = Object.fromEntries(points.map((point) => [point, 0]));
  const recoveryMsByPoint: Record<string, number> = {};
  for (const { course } of courses) {
    if (course.killedAt === undefined) continue;
    killPoints[course.killedAt] = (killPoints[course.killedAt] ?? 0) + 1;
    recoveryMsByPoint[course.killedAt] = Math.max(
      recoveryMsByPoint[course.killedAt] ?? 0,
      course.recoveryMs ?? 0,
    );
  }
  const slowestFirst = Object.entries(recoveryMsByPoint).toSorted(([, one], [, other]) => other - one);
  const times = courses.flatMap(({ course }) => course.recoveryMs ?? []).toSorted((a, b) => a - b);
  const sum = (of: (course: Course) => number): number =>
    courses.reduce((total, { course }) => total + of(course), 0);
  const uploads = sum(({ uploadCount }) => uploadCount);
  return {
    killPoints,
    failures,
    recoveryMs: {
      median: times[Math.floor(times.length / 2)] ?? 0,
      max: times.at(-1) ?? 0,
      maxAt: slowestFirst[0]?.[0] ?? '',
    },
    recoveryMsByPoint: Object.fromEntries(slowestFirst),
    uploads,
    resentBytes: sum(({ resentBytes }) => resentBytes),
    duplicateEventsPer1000Uploads: Math.round((sum(({ duplicateCount }) => duplicateCount) / uploads) * 1000),
  };
}

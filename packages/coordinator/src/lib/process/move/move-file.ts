import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  CATALOG_KINDS,
  type MoveCounts,
  type MovedKind,
  type MovedRow,
  MoveRefusedError,
  type MoveSource,
} from '../../ports/catalog-move.ts';

// One JSON object a line: a header, every row, and an end that counts and digests what came before it.

/** Version of the form below. Columns and kinds of rows that are added do not change it: who does not know them refuses. */
const FORMAT = 1;

/** The first line of a file. */
export interface MoveHeader {
  readonly format: number;
  readonly installationId: string;
  readonly installationCreatedAtEpochMs: number;
  readonly exportedAtEpochMs: number;
  /** Somebody was writing meanwhile: fit for a rehearsal, not for a move. */
  readonly whileServing: boolean;
  /** Tells whether somebody has the same token keys, and nothing of them. */
  readonly tokenKeyChecks: readonly string[];
  readonly counts: MoveCounts;
}

/** A line with a row. */
export interface MoveLine {
  readonly kind: MovedKind;
  readonly row: MovedRow;
}

/** What the header tells beside what the source itself knows. */
export type HeaderFacts = Pick<MoveHeader, 'exportedAtEpochMs' | 'whileServing' | 'tokenKeyChecks'>;

/**
 * The lines of a file, each with its end.
 *
 * @param onRow told of each row
 */
export function* writeMoveLines(
  source: MoveSource,
  facts: HeaderFacts,
  onRow: (line: MoveLine) => void = () => undefined,
): Generator<string> {
  const digest = createHash('sha256');
  const line = (value: object): string => {
    const text = `${JSON.stringify(value)}\n`;
    digest.update(text);
    return text;
  };
  const { installationId, createdAtEpochMs } = source.installation;
  yield line({
    longhaul: 'catalog',
    format: FORMAT,
    installationId,
    installationCreatedAtEpochMs: createdAtEpochMs,
    ...facts,
    counts: source.counts,
  });
  for (const kind of KINDS) {
    for (const row of source.rows(kind)) {
      onRow({ kind, row });
      yield line({ kind, row });
    }
  }
  yield `${JSON.stringify({ end: { ...source.counts, sha256: digest.digest('hex') } })}\n`;
}

const KINDS: readonly MovedKind[] = [...CATALOG_KINDS, 'parts'];

/**
 * Reads a whole file and believes nothing of it before its end.
 *
 * @param onRow told of each row, before the file is known to be whole
 * @throws MoveRefusedError when it is no such file, of a newer format, cut short or changed
 */
export async function checkMoveFile(path: string, onRow: (line: MoveLine) => void): Promise<MoveHeader> {
  const digest = createHash('sha256');
  const counts = { nodes: 0, rotations: 0, events: 0, parts: 0 };
  let header: MoveHeader | undefined;
  let end: string | undefined;
  for await (const text of linesOf(path)) {
    if (end !== undefined) throw damaged(path);
    const value = parsed(text);
    if (header === undefined) header = readHeader(value, path);
    else if (isLine(value)) {
      counts[value.kind] += 1;
      onRow(value);
    } else end = JSON.stringify({ end: { ...counts, sha256: digest.copy().digest('hex') } });
    if (end !== undefined && end !== text) throw damaged(path);
    digest.update(`${text}\n`);
  }
  if (header === undefined || end === undefined) throw damaged(path);
  if (KINDS.some((kind) => header?.counts[kind] !== counts[kind])) throw damaged(path);
  return header;
}

/** The rows of a file that {@link checkMoveFile} has found whole. */
export async function* readMoveLines(path: string): AsyncGenerator<MoveLine> {
  for await (const text of linesOf(path)) {
    const value = parsed(text);
    if (isLine(value)) yield value;
  }
}

// `readline` would end lines in the middle of a name, too: at U+2028, which stands in JSON as it is.
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const lines = `${rest}${chunk as string}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  // Every line ends, so this one was cut.
  if (rest !== '') throw damaged(path);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isLine(value: unknown): value is MoveLine {
  const { kind, row } = (value ?? {}) as Partial<MoveLine>;
  return KINDS.some((known) => known === kind) && typeof row === 'object';
}

function readHeader(value: unknown, path: string): MoveHeader {
  const { longhaul, ...header } = (value ?? {}) as MoveHeader & { longhaul?: unknown };
  if (longhaul !== 'catalog') throw new MoveRefusedError(`${path} is no file that export has written.`);
  if (header.format === FORMAT) return header;
  throw new MoveRefusedError(
    `${path} is of format ${header.format}, and this version reads format ${FORMAT}: import with the version that wrote it.`,
  );
}

function damaged(path: string): MoveRefusedError {
  return new MoveRefusedError(
    `${path} is cut short or was changed: its last line does not agree with what stands before it. Export again, or copy ` +
      'it again.',
  );
}

import type { Installation } from './catalog.ts';

/**
 * A row on its way from one catalog to another, by the names of its columns: times in milliseconds since the Unix epoch,
 * yes and no as 1 and 0, JSON as the text that was written. So nothing of it depends on a database.
 */
export type MovedRow = Readonly<Record<string, string | number | null>>;

/** Kinds of rows that a catalog takes, in an order in which each finds what it refers to. */
export const CATALOG_KINDS = ['nodes', 'rotations', 'events'] as const;

/** One of {@link CATALOG_KINDS}. */
export type CatalogKind = (typeof CATALOG_KINDS)[number];

/** What is moved: rows of the catalog, and parts that hot state knows. */
export type MovedKind = CatalogKind | 'parts';

/** How many rows there are of each kind. */
export type MoveCounts = Readonly<Record<MovedKind, number>>;

/** Everything that an installation gives up, as it was at one moment. */
export interface MoveSource {
  readonly installation: Installation;
  readonly counts: MoveCounts;
  /** Events in the order in which they were written; parts of open uploads only, each upload's together. */
  rows(kind: MovedKind): Iterable<MovedRow>;
  close(): void;
}

/** The catalog that takes them. */
export interface MoveTarget {
  /**
   * Takes all rows in one transaction, and the installation's id with them. Rows that are there already, just so, stay.
   *
   * @throws MoveRefusedError when another installation has rows there, a row is there with other content, or there is no
   *   such column; CatalogError when the database cannot be reached. Either way nothing has changed
   */
  take(installation: Installation, batches: AsyncIterable<MovedBatch>, wish: MoveWish): Promise<MoveOutcome>;
  close(): Promise<void>;
}

/** Rows of one kind. */
export interface MovedBatch {
  readonly kind: CatalogKind;
  readonly rows: readonly MovedRow[];
}

/** How to take them. */
export interface MoveWish {
  /** Tries everything, and takes nothing. */
  readonly dryRun: boolean;
}

/** What came of it. */
export type MoveOutcome = Readonly<Record<CatalogKind, MovedCount>>;

/** Rows of one kind that were taken, and that were there before. */
export interface MovedCount {
  readonly taken: number;
  readonly there: number;
}

/** A move that would lose or mix up something. Nothing was changed. */
export class MoveRefusedError extends Error {
  override readonly name = 'MoveRefusedError';
}

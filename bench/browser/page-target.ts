/** Where a page uploads to, and how, as the bench tells it. */
export interface PageTarget {
  readonly endpoint: string;
  readonly coordinator: string;
  readonly bucket: string;
  /** Options of the client under test, over its defaults. */
  readonly options: Readonly<Record<string, unknown>>;
}

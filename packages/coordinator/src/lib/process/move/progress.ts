const NEWS_EVERY_MS = 5_000;

/** Says every few seconds how far it is. */
export function createProgress(
  note: (line: string) => void,
  what: string,
  totalRows: number,
): { add(rows?: number): void } {
  let doneRows = 0;
  let saidAtMs = performance.now();
  return {
    add(rows = 1) {
      doneRows += rows;
      const nowMs = performance.now();
      if (nowMs - saidAtMs < NEWS_EVERY_MS) return;
      saidAtMs = nowMs;
      note(`${what}: ${doneRows} of ${totalRows} rows`);
    },
  };
}

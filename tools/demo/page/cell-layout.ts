/** Where the cells of a file's parts stand. Lengths in CSS pixels. */
export interface CellLayout {
  readonly columns: number;
  readonly rows: number;
  readonly cellCount: number;
  /** Parts that share one cell; 1 until there are too many to tell apart. */
  readonly partsPerCell: number;
  readonly cellWidthPx: number;
  readonly cellHeightPx: number;
  readonly gapPx: number;
  readonly heightPx: number;
}

interface Density {
  readonly minCellPx: number;
  readonly cellHeightPx: number;
  readonly gapPx: number;
  readonly maxRows: number;
}

// From roomy to dense: the first one that holds every part is taken.
const DENSITIES: readonly Density[] = [
  { minCellPx: 14, cellHeightPx: 20, gapPx: 3, maxRows: 1 },
  { minCellPx: 9, cellHeightPx: 12, gapPx: 3, maxRows: 3 },
  { minCellPx: 7, cellHeightPx: 7, gapPx: 2, maxRows: 8 },
  { minCellPx: 5, cellHeightPx: 5, gapPx: 1, maxRows: 18 },
];

/** Fits the cells of `partCount` parts into `widthPx`, so that each can be told from the next. */
export function layoutCells(partCount: number, widthPx: number): CellLayout {
  let partsPerCell = 1;
  let density = DENSITIES.find((candidate) => capacity(candidate, widthPx) >= partCount);
  if (!density) {
    density = DENSITIES[DENSITIES.length - 1] as Density;
    partsPerCell = Math.ceil(partCount / capacity(density, widthPx));
  }
  const { cellHeightPx, gapPx } = density;
  const cellCount = Math.max(1, Math.ceil(partCount / partsPerCell));
  const rows = Math.ceil(cellCount / columnsOf(density, widthPx));
  // Rows of equal length, stretched to the whole width.
  const columns = Math.ceil(cellCount / rows);
  return {
    columns,
    rows,
    cellCount,
    partsPerCell,
    cellWidthPx: (widthPx - gapPx * (columns - 1)) / columns,
    cellHeightPx,
    gapPx,
    heightPx: rows * (cellHeightPx + gapPx) - gapPx,
  };
}

function capacity(density: Density, widthPx: number): number {
  return columnsOf(density, widthPx) * density.maxRows;
}

function columnsOf({ minCellPx, gapPx }: Density, widthPx: number): number {
  return Math.max(1, Math.floor((widthPx + gapPx) / (minCellPx + gapPx)));
}

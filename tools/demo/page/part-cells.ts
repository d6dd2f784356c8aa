import type { PartProgress } from '@longhaul/sdk';
import { type CellLayout, layoutCells } from './cell-layout.ts';

/** A canvas on which the parts of one file fill. */
export interface PartCells {
  /** Forgets what was drawn: so many parts, all of them waiting. */
  reset(partCount: number): void;
  update(part: PartProgress): void;
  /** All of them are stored. */
  fill(): void;
  /** Draws again, in the colours of the moment. */
  redraw(): void;
}

interface Fill {
  readonly sent: Float32Array;
  readonly stored: Uint8Array;
}

/** Draws into `canvas`, again whenever its width changes. */
export function createPartCells(canvas: HTMLCanvasElement): PartCells {
  let fill = emptyFill(1);
  let isDue = false;

  const draw = (): void => {
    isDue = false;
    const widthPx = canvas.clientWidth;
    if (widthPx > 0) paint(canvas, layoutCells(fill.stored.length, widthPx), fill);
  };
  const drawSoon = (): void => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(draw);
  };

  new ResizeObserver(drawSoon).observe(canvas);
  return {
    reset(partCount) {
      fill = emptyFill(Math.max(1, partCount));
      drawSoon();
    },
    update({ partNumber, sizeBytes, sentBytes, isStored }) {
      fill.sent[partNumber - 1] = sizeBytes === 0 ? 1 : sentBytes / sizeBytes;
      fill.stored[partNumber - 1] = isStored ? 1 : 0;
      drawSoon();
    },
    fill() {
      fill.stored.fill(1);
      drawSoon();
    },
    redraw: drawSoon,
  };
}

function emptyFill(partCount: number): Fill {
  return { sent: new Float32Array(partCount), stored: new Uint8Array(partCount) };
}

function paint(canvas: HTMLCanvasElement, layout: CellLayout, fill: Fill): void {
  const context = canvas.getContext('2d');
  if (!context) return;
  const scale = devicePixelRatio;
  canvas.style.height = `${layout.heightPx}px`;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(layout.heightPx * scale);
  const style = getComputedStyle(canvas);
  // One colour after the other: changing it for every cell costs more than filling the cells.
  for (const [colour, shareOf] of LAYERS) {
    context.fillStyle = style.getPropertyValue(colour);
    for (let cell = 0; cell < layout.cellCount; cell++) {
      const share = shareOf(fill, cell, layout.partsPerCell);
      if (share === 0) continue;
      const { x, y, width, height } = placeOf(layout, cell, scale);
      context.fillRect(x, y, Math.max(1, Math.round(width * share)), height);
    }
  }
}

/** Bottom to top: how much of a cell each colour covers, from 0 to 1. */
const LAYERS: readonly (readonly [string, (fill: Fill, cell: number, partsPerCell: number) => number])[] = [
  ['--waiting', () => 1],
  ['--moving', (fill, cell, partsPerCell) => meanOf(fill.sent, cell, partsPerCell)],
  ['--stored', (fill, cell, partsPerCell) => meanOf(fill.stored, cell, partsPerCell)],
];

function meanOf(values: Float32Array | Uint8Array, cell: number, partsPerCell: number): number {
  const first = cell * partsPerCell;
  const last = Math.min(first + partsPerCell, values.length);
  let sum = 0;
  for (let part = first; part < last; part++) sum += values[part] ?? 0;
  return sum / (last - first);
}

// On whole device pixels, or neighbours would blur into each other.
function placeOf(
  { columns, cellWidthPx, cellHeightPx, gapPx }: CellLayout,
  cell: number,
  scale: number,
): { x: number; y: number; width: number; height: number } {
  const x = Math.round((cell % columns) * (cellWidthPx + gapPx) * scale);
  const right = Math.round(((cell % columns) * (cellWidthPx + gapPx) + cellWidthPx) * scale);
  const y = Math.round(Math.floor(cell / columns) * (cellHeightPx + gapPx) * scale);
  return { x, y, width: right - x, height: Math.round(cellHeightPx * scale) };
}

import type { UploadProgress } from '@longhaul/sdk';
import { formatBytes, formatDuration } from './format.ts';

/** Before the coordinator has answered. */
export function openingFigures(sizeBytes: number): string {
  return `${formatBytes(sizeBytes)} · asking the coordinator`;
}

/** How far, how fast, how long still. */
export function sendingFigures(input: {
  readonly progress: UploadProgress;
  readonly resumedParts: number;
  /** Nothing has moved for a while: the last rate says nothing any more. */
  readonly isQuiet: boolean;
}): string {
  const { sentBytes, totalBytes, bytesPerSecond, etaSeconds } = input.progress;
  const isSent = sentBytes === totalBytes;
  return joined(
    `${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`,
    input.isQuiet && 'nothing is moving, trying again',
    !input.isQuiet && !isSent && bytesPerSecond > 0 && `${formatBytes(bytesPerSecond)}/s`,
    !input.isQuiet && !isSent && etaSeconds !== undefined && `${formatDuration(etaSeconds)} left`,
    resumed(input.resumedParts),
  );
}

/** What came of it. */
export function completedFigures(input: {
  readonly sizeBytes: number;
  readonly partCount: number;
  readonly resumedParts: number;
}): string {
  const { sizeBytes, partCount, resumedParts } = input;
  return joined(`${formatBytes(sizeBytes)} in ${countOfParts(partCount)}`, resumed(resumedParts));
}

function resumed(parts: number): string | false {
  return parts > 0 && `${countOfParts(parts)} ${parts === 1 ? 'was' : 'were'} there already`;
}

function countOfParts(count: number): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'part' : 'parts'}`;
}

function joined(...texts: readonly (string | false)[]): string {
  return texts.filter((text) => text !== false).join(' · ');
}

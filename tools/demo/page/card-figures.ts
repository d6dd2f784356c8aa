import type { UploadProgress } from '@longhaul/sdk';
import { formatBytes, formatDuration } from './format.ts';

/** Why no bytes move: another file has the connections, or what was sent did not arrive. */
export type Quiet = 'waiting' | 'retrying';

/** Before the coordinator has answered. */
export function openingFigures(sizeBytes: number): string {
  return joined(formatBytes(sizeBytes), 'asking the coordinator');
}

/** How far, how fast, how long still. */
export function sendingFigures(input: {
  readonly progress: UploadProgress;
  readonly resumedParts: number;
  readonly quiet: Quiet | undefined;
}): string {
  const { progress, resumedParts, quiet } = input;
  return joined(sentOf(progress), ...(quiet ? [QUIET_TEXT[quiet]] : pace(progress)), resumed(resumedParts));
}

const QUIET_TEXT: Readonly<Record<Quiet, string>> = {
  waiting: 'waiting for its turn',
  retrying: 'nothing arrives, trying again',
};

function pace({
  sentBytes,
  totalBytes,
  bytesPerSecond,
  etaSeconds,
}: UploadProgress): readonly (string | false)[] {
  if (sentBytes === totalBytes || bytesPerSecond === 0) return [];
  return [
    `${formatBytes(bytesPerSecond)}/s`,
    etaSeconds !== undefined && `${formatDuration(etaSeconds)} left`,
  ];
}

/** All is sent, and the store puts the parts together. */
export function completingFigures(sizeBytes: number): string {
  return joined(`${formatBytes(sizeBytes)} sent`, 'waiting for the object store');
}

/** What came of it. */
export function completedFigures(input: {
  readonly sizeBytes: number;
  readonly partCount: number;
  readonly resumedParts: number;
  readonly durationMs: number;
}): string {
  const { sizeBytes, partCount, resumedParts, durationMs } = input;
  const seconds = durationMs / 1_000;
  const isTimed = resumedParts === 0 && partCount > 1 && seconds >= 1;
  return joined(
    `${formatBytes(sizeBytes)} in ${countOfParts(partCount)}`,
    isTimed && `${formatDuration(seconds)}, ${formatBytes(sizeBytes / seconds)}/s`,
    resumed(resumedParts),
  );
}

/** How far it came, once nothing moves any more. */
export function endedFigures(progress: UploadProgress, sizeBytes: number): string {
  return progress.totalBytes ? `${sentOf(progress)} sent` : formatBytes(sizeBytes);
}

function sentOf({ sentBytes, totalBytes = sentBytes }: UploadProgress): string {
  return `${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`;
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

import { readFileSync } from 'node:fs';

/** What one upload cost the process that ran it. */
export interface Cost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Peak resident memory of this process (VmHWM). */
  readonly peakRssMiB: number;
}

/** Runs one upload in this process and prints its cost as JSON. */
export async function measure(upload: () => Promise<unknown>): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await upload();
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const cost: Cost = { seconds, cpuSeconds: (user + system) / 1e6, peakRssMiB: peakRssMiB() };
  process.stdout.write(`${JSON.stringify(cost)}\n`);
}

function peakRssMiB(): number {
  const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes) / 1024;
}

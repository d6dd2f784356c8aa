import type { HashName } from './hasher.ts';

/** What the pool asks of a worker. Requests of one job are answered in order, all but `drop`. */
export type HashRequest =
  | { readonly job: number; readonly kind: 'begin'; readonly names: readonly HashName[] }
  | { readonly job: number; readonly kind: 'update'; readonly bytes: Uint8Array }
  | { readonly job: number; readonly kind: 'finish' }
  | { readonly job: number; readonly kind: 'drop' };

/** What the worker answers to `update` and `finish`; only the latter has values. */
export interface HashAnswer {
  readonly job: number;
  readonly values: readonly Uint8Array[];
}

/** What one upload cost a page. */
export interface PageCost {
  readonly seconds: number;
  readonly mainThreadSeconds: number;
}

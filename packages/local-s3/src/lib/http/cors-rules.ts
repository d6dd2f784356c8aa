/** One rule of a bucket's CORS configuration. */
export interface CorsRule {
  /** Origins, each with at most one `*`. */
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  /** Request headers that a preflight may ask for, each with at most one `*`. */
  readonly allowedHeaders: readonly string[];
  /** Response headers that scripts may read. */
  readonly exposeHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly id?: string;
}

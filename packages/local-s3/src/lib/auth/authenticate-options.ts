/** Who may ask, and when it is. */
export interface AuthenticationOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly nowEpochMs: number;
}

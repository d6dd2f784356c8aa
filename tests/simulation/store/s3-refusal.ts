/** The store says no, as it would over HTTP. */
export class S3Refusal extends Error {
  override readonly name = 'S3Refusal';
  readonly status: number;
  readonly s3Code: string;

  constructor(status: number, s3Code: string) {
    super(`${s3Code} (HTTP ${status})`);
    this.status = status;
    this.s3Code = s3Code;
  }
}

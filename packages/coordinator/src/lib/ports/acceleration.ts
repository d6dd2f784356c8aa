/**
 * Why a bucket of that name cannot be reached by S3 Transfer Acceleration; `undefined`: it can, if it is enabled there.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html
 */
export function accelerationProblem(bucket: string): string | undefined {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(bucket)) return undefined;
  return (
    `needs a bucket whose name is one label of a host name, without dots or capitals, got "${bucket}": ` +
    'take a bucket of another name, or do without acceleration'
  );
}

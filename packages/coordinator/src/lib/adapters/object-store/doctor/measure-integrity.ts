import type { MeasuredStore } from '../../../ports/bucket-probe.ts';
import type { FullObjectAlgorithm } from '../../../ports/store-profile.ts';
import { isCompleted, isRefused, md5Base64, type Trial } from './trial.ts';

const TEXT = '123456789';

/** Checksums of {@link TEXT} and of something else; base64. */
const KNOWN: Readonly<Record<FullObjectAlgorithm, { readonly right: string; readonly wrong: string }>> = {
  CRC32: { right: 'y/Q5Jg==', wrong: 'yTuzdQ==' },
  CRC32C: { right: '4waSgw==', wrong: 'zqsFQg==' },
  CRC64NVME: { right: 'rosUhgp5mIg=', wrong: 'vqf3hRLTlJw=' },
};

/** Which checksums the store really compares. */
export async function measureIntegrity(trial: Trial): Promise<MeasuredStore> {
  const upload = await trial.begin();
  const wrongMd5 = { body: TEXT, headers: { 'content-md5': md5Base64('another text') } };
  const damaged = upload && (await trial.putPart(upload, 1, wrongMd5));
  const algorithms = Object.keys(KNOWN) as FullObjectAlgorithm[];
  const seen = await Promise.all(algorithms.map((algorithm) => measureChecksum(trial, algorithm)));
  return {
    contentMd5: damaged?.status === 200 ? false : damaged && (isRefused(damaged) || undefined),
    fullObjectChecksums: algorithms.filter((_, index) => seen[index]?.verified),
    echoedChecksums: algorithms.filter((_, index) => seen[index]?.echoed),
  };
}

interface SeenChecksum {
  /** Wrong ones are refused, of a part and of the whole, and the right one is kept. */
  readonly verified: boolean;
  /** The answer to a part carries it. */
  readonly echoed: boolean;
}

async function measureChecksum(trial: Trial, algorithm: FullObjectAlgorithm): Promise<SeenChecksum> {
  const { right, wrong } = KNOWN[algorithm];
  const name = `x-amz-checksum-${algorithm.toLowerCase()}`;
  const whole = (value: string): Record<string, string> => ({
    [name]: value,
    'x-amz-checksum-type': 'FULL_OBJECT',
  });
  const nothing = { verified: false, echoed: false };
  const upload = await trial.begin({
    headers: { 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': 'FULL_OBJECT' },
  });
  if (upload === undefined) return nothing;
  const damaged = await trial.putPart(upload, 1, { body: TEXT, headers: { [name]: wrong } });
  const sound = await trial.putPart(upload, 1, { body: TEXT, headers: { [name]: right } });
  if (!isRefused(damaged) || sound.status !== 200) return nothing;
  const echoed = sound.headers[name] === right;
  const refused = await trial.complete(upload, [withChecksum(sound, name, right)], whole(wrong));
  const done = await trial.complete(upload, [withChecksum(sound, name, right)], whole(right));
  const head = await trial.ask({
    method: 'HEAD',
    key: upload.key,
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
  });
  const isKept = head.headers[name] === right;
  return { verified: isRefused(refused) && isCompleted(done) && isKept, echoed };
}

/** S3 wants the checksum of each part again at Complete, also where the answer to the part did not carry it. */
function withChecksum<Answer extends { readonly headers: Readonly<Record<string, string>> }>(
  answer: Answer,
  name: string,
  value: string,
): Answer {
  return { ...answer, headers: { ...answer.headers, [name]: value } };
}

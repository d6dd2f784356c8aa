import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import {
  GetBucketLifecycleConfigurationCommand,
  type GetBucketLifecycleConfigurationCommandOutput,
  PutBucketLifecycleConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { AbortRule, BucketLifecycle, LifecycleRule } from '../../ports/bucket-lifecycle.ts';
import { ObjectStoreError } from '../../ports/object-store.ts';
import type { S3Connection } from './s3-client.ts';
import { readS3Failure, toObjectStoreError } from './s3-error.ts';

/** The bucket's lifecycle rules. */
export function createBucketLifecycle(connection: S3Connection): BucketLifecycle {
  return {
    async rules() {
      return (await getConfiguration(connection)).rules;
    },
    async putAbortRule(rule) {
      const { ruleXml, transitionMinimum } = await getConfiguration(connection);
      const others = ruleXml.filter((each) => !each.includes(`<ID>${rule.id}</ID>`));
      await putConfiguration(connection, [...others, abortRuleXml(rule)], transitionMinimum);
    },
  };
}

/** All rules of a bucket, as S3 takes them: at once. */
interface Configuration {
  readonly rules: readonly LifecycleRule[];
  /**
   * The rules letter by letter: one that was read and written again would lose what this version of the SDK does not
   * know, a condition for example, and reach further than before.
   */
  readonly ruleXml: readonly string[];
  readonly transitionMinimum: TransitionMinimum;
}

/** Belongs to the configuration, though it stands in a header. */
type TransitionMinimum = GetBucketLifecycleConfigurationCommandOutput['TransitionDefaultMinimumObjectSize'];

async function getConfiguration(connection: S3Connection): Promise<Configuration> {
  const { bucket, client, callTimeoutMs } = connection;
  assertKnown(connection);
  const command = new GetBucketLifecycleConfigurationCommand({ Bucket: bucket });
  let xml = '';
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const response = result.response as { body: Parameters<typeof text>[0] | Uint8Array };
      xml = await text(response.body as Parameters<typeof text>[0]);
      response.body = Buffer.from(xml);
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  try {
    const output = await client.send(command, { abortSignal: AbortSignal.timeout(callTimeoutMs) });
    return {
      rules: output.Rules ?? [],
      ruleXml: splitRules(bucket, xml),
      transitionMinimum: output.TransitionDefaultMinimumObjectSize,
    };
  } catch (error) {
    if (readS3Failure(error).s3Code === 'NoSuchLifecycleConfiguration') {
      return { rules: [], ruleXml: [], transitionMinimum: undefined };
    }
    throw toObjectStoreError(`GetBucketLifecycleConfiguration of s3://${bucket}`, error);
  }
}

async function putConfiguration(
  { bucket, client, callTimeoutMs }: S3Connection,
  ruleXml: readonly string[],
  transitionMinimum: TransitionMinimum,
): Promise<void> {
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${ruleXml.join('')}</LifecycleConfiguration>`;
  const command = new PutBucketLifecycleConfigurationCommand({
    Bucket: bucket,
    LifecycleConfiguration: { Rules: [] },
    TransitionDefaultMinimumObjectSize: transitionMinimum,
  });
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: unknown; headers: Record<string, string> };
      request.body = xml;
      // Older stores know no other checksum, and refuse a configuration without one.
      request.headers['content-md5'] = createHash('md5').update(xml).digest('base64');
      return next(args);
    },
    // Before the SDK's own steps that measure and sum the body.
    { step: 'build', priority: 'high' },
  );
  try {
    await client.send(command, { abortSignal: AbortSignal.timeout(callTimeoutMs) });
  } catch (error) {
    throw toObjectStoreError(`PutBucketLifecycleConfiguration of s3://${bucket}`, error);
  }
}

function assertKnown({ bucket, profile }: S3Connection): void {
  if (profile.lifecycle) return;
  throw new ObjectStoreError(
    'refused',
    `lifecycle rules of s3://${bucket} are out of reach: ${profile.name} has none, as far as its profile knows`,
    { s3Code: 'NotImplemented' },
  );
}

const RULE = /<Rule>[\s\S]*?<\/Rule>/g;
const DOCUMENT =
  /^(?:<\?xml[^>]*\?>)?\s*<LifecycleConfiguration(?:\s[^>]*)?>([\s\S]*)<\/LifecycleConfiguration>\s*$/;
const EMPTY_DOCUMENT = /<LifecycleConfiguration(?:\s[^>]*)?\/>\s*$/;

/** The rules of a document. Whatever else it holds would be lost, so it may hold nothing else. */
function splitRules(bucket: string, xml: string): readonly string[] {
  if (EMPTY_DOCUMENT.test(xml)) return [];
  const inner = DOCUMENT.exec(xml)?.[1];
  if (inner !== undefined && inner.replaceAll(RULE, '').trim() === '') return inner.match(RULE) ?? [];
  throw new ObjectStoreError(
    'unreachable',
    `GetBucketLifecycleConfiguration of s3://${bucket} got no usable answer: not a list of rules`,
  );
}

function abortRuleXml({ id, prefix, daysAfterInitiation }: AbortRule): string {
  const escaped = prefix.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return (
    `<Rule><ID>${id}</ID><Filter><Prefix>${escaped}</Prefix></Filter><Status>Enabled</Status>` +
    `<AbortIncompleteMultipartUpload><DaysAfterInitiation>${daysAfterInitiation}</DaysAfterInitiation>` +
    '</AbortIncompleteMultipartUpload></Rule>'
  );
}

import { emptyAnswer, xmlAnswer } from '../http/answers.ts';
import type { CorsRule } from '../http/cors-rules.ts';
import { readDocument } from '../http/read-document.ts';
import type { S3Call } from '../http/s3-call.ts';
import { bucketOfCall } from '../http/s3-call.ts';
import { S3Error } from '../s3-error.ts';
import { changeBucket } from '../store/buckets.ts';
import type { ParsedXml } from '../xml.ts';
import { elementsOf, isParsed, textOf } from '../xml.ts';

const METHODS: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD']);

/** GetBucketCors: the rules in force, those of the server where no client put any. */
export async function handleGetCors(call: S3Call): Promise<Response> {
  const rules = bucketOfCall(call).cors ?? call.store.defaultCors;
  return xmlAnswer('CORSConfiguration', {
    CORSRule: rules.map((rule) => ({
      ID: rule.id,
      AllowedOrigin: rule.allowedOrigins,
      AllowedMethod: rule.allowedMethods,
      AllowedHeader: rule.allowedHeaders,
      ExposeHeader: rule.exposeHeaders,
      MaxAgeSeconds: rule.maxAgeSeconds,
    })),
  });
}

/** PutBucketCors. */
export async function handlePutCors(call: S3Call): Promise<Response> {
  const bucket = bucketOfCall(call);
  const document = await readDocument(call, { root: 'CORSConfiguration' });
  const rules = elementsOf(document, 'CORSRule').map(readRule);
  if (rules.length === 0 || rules.length > 100) throw new S3Error('MalformedXML');
  await changeBucket(call.store, bucket, { cors: rules });
  return emptyAnswer(200);
}

function readRule(element: unknown): CorsRule {
  if (!isParsed(element)) throw new S3Error('MalformedXML');
  const maxAge = textOf(element, 'MaxAgeSeconds');
  const id = textOf(element, 'ID');
  const rule: CorsRule = {
    allowedOrigins: textsOf(element, 'AllowedOrigin'),
    allowedMethods: textsOf(element, 'AllowedMethod'),
    allowedHeaders: textsOf(element, 'AllowedHeader'),
    exposeHeaders: textsOf(element, 'ExposeHeader'),
    ...(id !== undefined && { id }),
    ...(maxAge !== undefined && { maxAgeSeconds: readSeconds(maxAge) }),
  };
  refuseImpossible(rule);
  return rule;
}

function refuseImpossible(rule: CorsRule): void {
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0) throw new S3Error('MalformedXML');
  const method = rule.allowedMethods.find((name) => !METHODS.has(name));
  if (method !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
    });
  }
  const pattern = [...rule.allowedOrigins, ...rule.allowedHeaders].find((text) => text.split('*').length > 2);
  if (pattern !== undefined) {
    throw new S3Error('InvalidRequest', { message: `"${pattern}" can not have more than one wildcard.` });
  }
}

function textsOf(parent: ParsedXml, name: string): readonly string[] {
  return elementsOf(parent, name).map((text) => {
    if (typeof text !== 'string') throw new S3Error('MalformedXML');
    return text;
  });
}

function readSeconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new S3Error('MalformedXML');
  return Number(text);
}

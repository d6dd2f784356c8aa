import { isoTime, xmlAnswer } from '../http/answers.ts';
import type { S3Call } from '../http/s3-call.ts';
import { bucketOfCall, numberFromQuery } from '../http/s3-call.ts';
import { queryValue } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import { LIST_PAGE_SIZE } from '../s3-limits.ts';
import type { Bucket } from '../store/store.ts';
import type { Versions } from '../store/versions.ts';
import type { XmlObject } from '../xml.ts';
import { OWNER } from './buckets.ts';
import { describe } from './list-objects.ts';
import { compareKeys, cutPage } from './list-page.ts';
import { readListQuery } from './list-query.ts';

interface Entry {
  readonly key: string;
  readonly version: Versions[number];
  /** Place among the versions of its key, from the newest. */
  readonly rank: number;
}

/** ListObjectVersions. */
export async function handleListVersions(call: S3Call): Promise<Response> {
  const { request } = call;
  const bucket = bucketOfCall(call);
  const { prefix, delimiter, encode, encodingType } = readListQuery(request);
  const maxKeys = numberFromQuery(request, 'max-keys', { fallback: LIST_PAGE_SIZE, max: LIST_PAGE_SIZE });
  const afterKey = queryValue(request, 'key-marker') ?? '';
  const marker = queryValue(request, 'version-id-marker') ?? '';
  const markerRank = rankOfMarker(bucket, afterKey, marker);
  const page = cutPage(
    allEntries(bucket),
    { prefix, delimiter, afterKey, limit: maxKeys },
    (entry) => markerRank !== undefined && entry.rank > markerRank,
  );
  return xmlAnswer('ListVersionsResult', {
    Name: bucket.name,
    Prefix: encode(prefix),
    Delimiter: delimiter === '' ? undefined : encode(delimiter),
    KeyMarker: encode(afterKey),
    VersionIdMarker: marker,
    NextKeyMarker: page.next === undefined ? undefined : encode(page.next.key),
    NextVersionIdMarker: page.next?.entry?.version.versionId,
    MaxKeys: maxKeys,
    EncodingType: encodingType,
    IsTruncated: page.next !== undefined,
    Version: page.entries
      .filter(({ version }) => version.kind === 'object')
      .map((entry) => show(entry, encode)),
    DeleteMarker: page.entries
      .filter(({ version }) => version.kind === 'marker')
      .map((entry) => show(entry, encode)),
    CommonPrefixes: page.commonPrefixes.map((text) => ({ Prefix: encode(text) })),
  });
}

function show({ key, version, rank }: Entry, encode: (text: string) => string): XmlObject {
  return {
    Key: encode(key),
    VersionId: version.versionId,
    IsLatest: rank === 0,
    LastModified: isoTime(version.lastModifiedEpochMs),
    ...(version.kind === 'object' && describe(version)),
    Owner: OWNER,
  };
}

function allEntries(bucket: Bucket): readonly Entry[] {
  return [...bucket.objects]
    .toSorted(([a], [b]) => compareKeys(a, b))
    .flatMap(([key, versions]) => versions.map((version, rank) => ({ key, version, rank })));
}

function rankOfMarker(bucket: Bucket, key: string, versionId: string): number | undefined {
  if (versionId === '') return undefined;
  if (key === '') {
    throw new S3Error('InvalidArgument', {
      message: 'A version-id marker cannot be specified without a key marker.',
      details: { ArgumentName: 'version-id-marker', ArgumentValue: versionId },
    });
  }
  // A version that is gone meanwhile: its key is told once more rather than in part not at all.
  return bucket.objects.get(key)?.findIndex((version) => version.versionId === versionId) ?? -1;
}

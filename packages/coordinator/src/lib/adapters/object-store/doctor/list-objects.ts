import type { ListedKey } from '../../../ports/bucket-probe.ts';
import { ObjectStoreError } from '../../../ports/object-store.ts';
import { type Ask, elementOf, elementsOf } from '../s3-ask.ts';

/** Objects under a prefix, page by page. @throws ObjectStoreError when a page cannot be had */
export async function* listObjects(
  ask: Ask,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
): AsyncGenerator<readonly ListedKey[]> {
  for (let token: string | undefined; ;) {
    const query = {
      'list-type': '2',
      // Keys may hold what XML cannot.
      'encoding-type': 'url',
      prefix,
      ...(token !== undefined && { 'continuation-token': token }),
    };
    const { status, code, message, body } = await ask({ method: 'GET', query });
    if (status !== 200) {
      throw new ObjectStoreError(
        status === 0 ? 'unreachable' : 'refused',
        `ListObjectsV2 of s3://${bucket}/${prefix} was refused: ${code ?? status} ${message ?? ''}`.trim(),
        { s3Code: code },
      );
    }
    const isEncoded = elementOf(body, 'EncodingType') === 'url';
    yield elementsOf(body, 'Contents').map((xml) => toListedKey(xml, isEncoded));
    const next = elementOf(body, 'NextContinuationToken');
    if (elementOf(body, 'IsTruncated') !== 'true' || next === undefined || next === token) return;
    token = next;
  }
}

function toListedKey(xml: string, isEncoded: boolean): ListedKey {
  const key = elementOf(xml, 'Key') ?? '';
  return {
    key: isEncoded ? decodeURIComponent(key.replaceAll('+', '%20')) : key,
    sizeBytes: Number(elementOf(xml, 'Size') ?? 0),
    lastModified: elementOf(xml, 'LastModified') ?? '',
  };
}

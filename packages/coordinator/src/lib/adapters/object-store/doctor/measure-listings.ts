import type { MeasuredStore } from '../../../ports/bucket-probe.ts';
import { elementOf, elementsOf } from '../s3-ask.ts';
import type { Trial } from './trial.ts';

/** Whether each list goes on after its first page; pages of one entry, because a thousand would take long to make. */
export async function measureListings(trial: Trial): Promise<MeasuredStore> {
  const [parts, uploads, objects] = [
    await pagesParts(trial),
    await pagesUploads(trial),
    await pagesObjects(trial),
  ];
  return {
    pagesParts: parts,
    pagesOpenUploads: uploads,
    pagesObjects: objects,
    listsOpenUploadsByPrefix: await listsByPrefix(trial),
  };
}

/** All that began under a folder must be in its list, and by a key its own. */
async function listsByPrefix(trial: Trial): Promise<boolean | undefined> {
  const begun = await trial.begin();
  if (begun === undefined) return undefined;
  const found = await Promise.all(
    [trial.prefix, begun.key].map(async (prefix) => {
      const { body } = await trial.ask({ method: 'GET', query: { uploads: '', prefix } });
      return elementsOf(body, 'UploadId').includes(begun.uploadId);
    }),
  );
  return found.every(Boolean);
}

async function pagesParts(trial: Trial): Promise<boolean | undefined> {
  const upload = await trial.begin();
  if (upload === undefined) return undefined;
  for (const partNumber of [1, 2]) await trial.putPart(upload, partNumber, { body: `part ${partNumber}` });
  const { key, uploadId } = upload;
  const page = (more: Readonly<Record<string, string>>): ReturnType<Trial['ask']> =>
    trial.ask({ method: 'GET', key, query: { uploadId, 'max-parts': '1', ...more } });
  const first = await page({});
  if (first.status !== 200) return undefined;
  const marker = elementOf(first.body, 'NextPartNumberMarker');
  if (elementOf(first.body, 'IsTruncated') !== 'true' || marker === undefined) return false;
  const second = await page({ 'part-number-marker': marker });
  return elementOf(second.body, 'PartNumber') === '2';
}

async function pagesUploads(trial: Trial): Promise<boolean | undefined> {
  // Of one key: not every store lists by a shorter prefix.
  const key = trial.newKey();
  const begun = [await trial.begin({ key }), await trial.begin({ key })];
  if (begun.includes(undefined)) return undefined;
  const seen = new Set<string>();
  let marker: Readonly<Record<string, string>> = {};
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const query = { uploads: '', prefix: key, 'max-uploads': '1', ...marker };
    const { status, body } = await trial.ask({ method: 'GET', query });
    if (status !== 200) return pages === 0 ? undefined : false;
    for (const xml of elementsOf(body, 'Upload')) seen.add(elementOf(xml, 'UploadId') ?? '');
    if (elementOf(body, 'IsTruncated') !== 'true') break;
    marker = {
      'key-marker': elementOf(body, 'NextKeyMarker') ?? '',
      'upload-id-marker': elementOf(body, 'NextUploadIdMarker') ?? '',
    };
  }
  return begun.every((upload) => upload !== undefined && seen.has(upload.uploadId));
}

const MOST_PAGES = 4;

async function pagesObjects(trial: Trial): Promise<boolean | undefined> {
  const folder = `${trial.newKey()}/`;
  for (const name of ['a', 'b']) await trial.put(`${folder}${name}`, 'listed');
  const page = (more: Readonly<Record<string, string>>): ReturnType<Trial['ask']> =>
    trial.ask({ method: 'GET', query: { 'list-type': '2', prefix: folder, 'max-keys': '1', ...more } });
  const first = await page({});
  if (first.status !== 200) return undefined;
  const token = elementOf(first.body, 'NextContinuationToken');
  if (elementOf(first.body, 'IsTruncated') !== 'true' || token === undefined) return false;
  return elementOf((await page({ 'continuation-token': token })).body, 'Key') === `${folder}b`;
}

import type { UploadNotice } from './notice.ts';

/** The store has a part and did not say under which ETag. */
export const ETAG_HIDDEN: UploadNotice = {
  code: 'ETAG_HIDDEN',
  message:
    'The object store shows no ETag, which costs each upload a listing: for browsers, add "ETag" to ExposeHeaders of the bucket\'s CORS rule.',
};

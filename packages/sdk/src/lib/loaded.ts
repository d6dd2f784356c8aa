import { UploadError } from './upload-error.ts';

const CODE_UNREACHABLE =
  'A part of this program that is loaded on demand is not there. Load the page again; the upload goes on from there.';

/** What is loaded on demand. @throws UploadError `CODE_UNREACHABLE` */
export async function loaded<Module>(code: Promise<Module>): Promise<Module> {
  return await code.catch((cause: unknown) => {
    throw new UploadError('CODE_UNREACHABLE', CODE_UNREACHABLE, { cause });
  });
}

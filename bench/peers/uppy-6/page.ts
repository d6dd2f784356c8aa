import AwsS3 from '@uppy/aws-s3';
import { Uppy } from '@uppy/core';
import { offer } from '../../browser/page/bench-page.ts';
import { objectUrl } from '../../browser/page/sink-upload.ts';

// The signer is stubbed: it answers at once. All calls to the store are Uppy's own.
offer((target) => {
  const uppy = new Uppy();
  uppy.use(AwsS3, {
    shouldUseMultipart: true,
    generateObjectKey: () => 'uppy-6',
    signRequest(request) {
      const url = objectUrl(target, request.key);
      if ('partNumber' in request)
        return { url: `${url}?partNumber=${request.partNumber}&uploadId=${request.uploadId}` };
      if ('uploadId' in request) return { url: `${url}?uploadId=${request.uploadId}` };
      return { url: `${url}?uploads` };
    },
    ...target.options,
  });
  return async (file) => {
    uppy.addFile({ name: file.name, data: file });
    const result = await uppy.upload();
    const failed = result?.failed?.[0];
    if (failed) throw new Error(String(failed.error));
  };
});

import AwsS3 from '@uppy/aws-s3';
import { Uppy } from '@uppy/core';
import { offer } from '../../browser/page/bench-page.ts';
import { sinkUpload, type SinkUpload } from '../../browser/page/sink-upload.ts';

// The signer is stubbed: it answers at once. Create and complete are calls, as to any server.
offer((target) => {
  const uppy = new Uppy();
  let upload: SinkUpload | undefined;
  uppy.use(AwsS3, {
    shouldUseMultipart: true,
    createMultipartUpload: async () => (upload = await sinkUpload(target, 'uppy-5')),
    signPart: (_, { partNumber }) => ({ url: upload?.partUrl(partNumber) ?? '' }),
    listParts: () => [],
    abortMultipartUpload: () => {},
    async completeMultipartUpload() {
      await upload?.complete();
      return {};
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

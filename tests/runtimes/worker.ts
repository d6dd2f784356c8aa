/** Run by workerd: uploads the body of each request to the coordinator that its `coordinator` parameter names. */
import { createUploader } from '@longhaul/sdk';

const worker = {
  async fetch(request: Request): Promise<Response> {
    const coordinator = new URL(request.url).searchParams.get('coordinator') ?? '';
    try {
      const uploader = createUploader({ coordinator, partSizeBytes: 5 * 1024 ** 2 });
      return Response.json(await uploader.upload(await request.blob(), { name: 'from-a-worker' }).result);
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
};

// The form that workerd wants.
// oxlint-disable-next-line import/no-default-export
export default worker;

import { createServer } from 'node:net';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Hono } from 'hono';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3, type LocalS3 } from '@longhaul/local-s3';
import { readOrMakeTokenKey } from '../../packages/coordinator/src/lib/process/token-key-file.ts';
import { listen } from '../../packages/coordinator/src/lib/process/server.ts';
import { buildPage } from './build-page.ts';
import { type DemoFolder, readIdentity, writeIdentity } from './folder.ts';

const BUCKET = 'longhaul-demo';
const REGION = 'us-east-1';

/** The local S3, the coordinator and the page, listening. */
export interface DemoServers {
  /** Page and coordinator share one origin. */
  readonly url: string;
  readonly bucket: string;
  readonly store: LocalS3;
  /** The stored object, as the store gives it back over HTTP. */
  read(key: string): Promise<AsyncIterable<Uint8Array>>;
  stop(): Promise<void>;
}

/** Starts everything on the ports of the last run, or on free ones. */
export async function startServers(folder: DemoFolder): Promise<DemoServers> {
  const identity = await readIdentity(folder);
  const { accessKeyId, secretAccessKey } = identity;
  const credentials = { accessKeyId, secretAccessKey };
  const store = createLocalS3({
    storage: { kind: 'folder', path: folder.objectsPath },
    credentials,
    buckets: [BUCKET],
  });
  const listeningStore = await store.listen({ port: await usablePort(identity.storePort) });
  const location = { region: REGION, endpoint: listeningStore.url, forcePathStyle: true, credentials };
  const client = new S3Client(location);
  const memory = createSqliteStore({ path: folder.databasePath });
  await memory.catalog.migrate();
  const coordinator = createCoordinator({
    ...memory,
    objectStore: createS3ObjectStore({ ...location, bucket: BUCKET, profile: localS3Profile }),
    tokenKeys: [await readOrMakeTokenKey(folder.tokenKeyPath)],
    onError: (error) =>
      process.stderr.write(`coordinator: ${error instanceof Error ? error.message : String(error)}\n`),
  });
  const web = await listen(await pageApp(coordinator, client), {
    host: '127.0.0.1',
    port: await usablePort(identity.webPort),
  });
  await writeIdentity(folder, {
    ...identity,
    storePort: portOf(listeningStore.url),
    webPort: portOf(web.url),
  });
  return {
    url: web.url,
    bucket: BUCKET,
    store,
    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      if (!Body) throw new Error(`the store gave no body for ${key}`);
      return Body.transformToWebStream();
    },
    async stop() {
      await web.stop(1_000);
      await memory.catalog.close();
      client.destroy();
      await listeningStore.close();
    },
  };
}

async function pageApp(coordinator: Hono, client: S3Client): Promise<Hono> {
  const app = new Hono();
  for (const [path, file] of await buildPage()) {
    app.get(path === 'index.html' ? '/' : `/${path}`, () => {
      return new Response(Buffer.from(file.body), {
        headers: { 'content-type': file.contentType, 'cache-control': 'no-store' },
      });
    });
  }
  app.get('/objects/:uploadId', async (c) => {
    const object = new GetObjectCommand({
      Bucket: BUCKET,
      Key: `connectors/default/${c.req.param('uploadId')}`,
    });
    return c.redirect(await getSignedUrl(client, object, { expiresIn: 300 }));
  });
  return app.route('/', coordinator);
}

/** The port wished for, or 0 for any when somebody else has it. */
async function usablePort(port: number): Promise<number> {
  if (port === 0) return 0;
  return await new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

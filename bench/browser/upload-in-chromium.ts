// One upload in a fresh Chromium, in a process of its own, so that it can run in another network namespace.
// Arguments: Chromium's program, page, file, target as JSON. Prints its cost as JSON.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { PAGES_FOLDER } from './build-pages.ts';
import { openPage } from './chromium.ts';
import type { PageCost } from './page-cost.ts';

const [program = '', page = '', file = '', target = '{}'] = process.argv.slice(2);
const HTML = `<!doctype html><meta charset="utf-8"><title>Bench</title>
<input type="file"><script type="module" src="/${page}.js"></script>`;

const server = createServer((request, response) => void answer(basename(request.url ?? '/'), response));
// A loopback address, so that the page may use what browsers grant to secure pages only.
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

const opened = await openPage(program, url, file);
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void opened.close().then(() => process.exit(143)));
}
try {
  await opened.evaluate(`openUploader(${target})`);
  const before = await opened.mainThreadSeconds();
  const { seconds } = (await opened.evaluate('runUpload()')) as { seconds: number };
  const cost: PageCost = { seconds, mainThreadSeconds: (await opened.mainThreadSeconds()) - before };
  process.stdout.write(`${JSON.stringify(cost)}\n`);
} finally {
  await opened.close();
  server.close();
  server.closeAllConnections();
}

async function answer(name: string, response: ServerResponse): Promise<void> {
  const isScript = name.endsWith('.js');
  response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
  response.end(isScript ? await readFile(join(PAGES_FOLDER, name)) : HTML);
}

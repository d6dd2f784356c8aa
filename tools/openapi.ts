/** `node tools/openapi.ts`: writes docs/openapi.json anew, after the messages of the protocol have changed. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiDocument } from './openapi/document.ts';

const path = join(import.meta.dirname, '../docs/openapi.json');
await writeFile(path, `${JSON.stringify(openApiDocument(), undefined, 2)}\n`);
process.stdout.write(`Wrote ${path}\n`);

import type * as nodeHttp from 'node:http';
import { getBuiltinModule } from 'node:process';

/** `node:http`. Importing it reads all that it exports, and so loads what implements `fetch`: 10 MiB. */
export const http: typeof nodeHttp = getBuiltinModule('node:http');

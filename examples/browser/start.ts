// Vite's development server with the page, and a coordinator beside it if none is named.
import { createServer } from 'vite';
import { startLocalCoordinator } from './local-coordinator.ts';

process.env['VITE_COORDINATOR'] = process.env['LONGHAUL_COORDINATOR'] ?? (await startLocalCoordinator());

const server = await createServer({ root: import.meta.dirname, server: { host: '127.0.0.1' } });
await server.listen();
process.stdout.write(`${server.resolvedUrls?.local[0]} uploads to ${process.env['VITE_COORDINATOR']}\n`);

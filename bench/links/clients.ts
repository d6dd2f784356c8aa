import { PAGES, type PageName } from '../browser/build-pages.ts';
import { pageCommand } from '../browser/page-command.ts';
import { NODE_CLIENTS, nodeClientScript } from '../node-upload/build-clients.ts';
import type { BackendAddress } from './backend-process.ts';

/** Something that uploads, with nothing configured. */
export interface Client {
  readonly name: ClientName;
  readonly platform: 'node' | 'chromium';
  /** Whether it is the one that the others of its platform are compared with. */
  readonly isOurs: boolean;
}

/** Name of a client, as it is chosen and shown. */
export type ClientName = 'longhaul' | 'lib-storage' | 'longhaul-page' | 'uppy-5.1' | 'uppy-6.3';

export const CLIENTS: readonly Client[] = [
  { name: 'longhaul', platform: 'node', isOurs: true },
  { name: 'lib-storage', platform: 'node', isOurs: false },
  { name: 'longhaul-page', platform: 'chromium', isOurs: true },
  { name: 'uppy-5.1', platform: 'chromium', isOurs: false },
  { name: 'uppy-6.3', platform: 'chromium', isOurs: false },
];

/** How to find a client by its name. */
export function clientNamed(name: ClientName): Client {
  const client = CLIENTS.find((candidate) => candidate.name === name);
  if (!client) throw new TypeError(`there is no client "${name}"`);
  return client;
}

/** The command that uploads `file` once and prints what it cost. */
export function commandOf(
  { name }: Client,
  file: string,
  address: BackendAddress,
  chromium: string | undefined,
): readonly string[] {
  const inNode = NODE_CLIENTS.find((client) => client === name);
  if (inNode) return [process.execPath, nodeClientScript(inNode), file, JSON.stringify(address)];
  const page = Object.keys(PAGES).find((candidate) => candidate === name.replace('-page', '')) as PageName;
  return pageCommand(chromium ?? '', page, file, { ...address, options: {} });
}

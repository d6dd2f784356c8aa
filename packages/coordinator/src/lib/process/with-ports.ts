import { existsSync } from 'node:fs';
import type { Catalog } from '../ports/catalog.ts';
import type { CliWorld } from './command.ts';
import { NOBODY } from './authorize-config.ts';
import { ConfigError, readConfig, type ServeConfig } from './config.ts';
import { wire, wireCatalog, type Wiring } from './wire.ts';

/** What a command works with. */
export interface CommandPorts extends Wiring {
  readonly config: ServeConfig;
}

/**
 * Runs one piece of work on the catalog, state and store that the environment names, and lets go of them.
 *
 * @throws ConfigError when the environment is wrong, or names a file that no coordinator has made
 */
export async function withPorts<Result>(
  world: CliWorld,
  work: (ports: CommandPorts) => Promise<Result>,
): Promise<Result> {
  const config = readExisting(world);
  // Nobody creates an upload here, so nobody has to be authorized.
  const wiring = await wire({ ...config, authorize: NOBODY });
  try {
    await wiring.options.catalog.migrate();
    return await work({ ...wiring, options: { ...wiring.options, onError: world.report }, config });
  } finally {
    await wiring.close();
  }
}

/** The same for work on the catalog alone, whatever has become of the other servers. */
export async function withCatalog<Result>(
  world: CliWorld,
  work: (catalog: Catalog) => Promise<Result>,
): Promise<Result> {
  const catalog = await wireCatalog(readExisting(world));
  try {
    await catalog.migrate();
    return await work(catalog);
  } finally {
    await catalog.close();
  }
}

function readExisting(world: CliWorld): ServeConfig {
  const config = readConfig(world.env);
  // A new, empty one would answer that there is nothing to do.
  if (config.memory.kind === 'sqlite' && !existsSync(config.memory.path)) {
    throw new ConfigError([
      `LONGHAUL_SQLITE_FILE: there is no file ${config.memory.path}. Name the one that the coordinator serves from`,
    ]);
  }
  return config;
}

import { parseArgs } from 'node:util';
import { type Command, EXIT, HELP_ENDING } from '../command.ts';
import { readConfig } from '../config.ts';
import { wireCatalog } from '../wire.ts';

/** `longhaul-coordinator migrate` */
export const migrate: Command = {
  name: 'migrate',
  summary: "bring the catalog's schema up to date, then end",
  help: `longhaul-coordinator migrate

Brings the catalog's schema up to date, then ends. Safe while coordinators of this version and of the one before are
serving; several at once wait for each other. Every other command does the same before its own work.

${HELP_ENDING}`,
  async run(args, world) {
    parseArgs({ args: [...args] });
    const catalog = await wireCatalog(readConfig(world.env));
    try {
      await catalog.migrate();
    } finally {
      await catalog.close();
    }
    world.say('The catalog is up to date.');
    return EXIT.done;
  },
};

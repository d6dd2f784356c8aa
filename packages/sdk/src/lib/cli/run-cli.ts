import { readArguments } from './arguments.ts';
import { HELP } from './help.ts';
import { rotateCommand } from './rotate-command.ts';
import { ROTATE_HELP } from './rotate-help.ts';
import { type CliWorld, EXIT, uploadCommand } from './upload-command.ts';

/** Runs the command line and resolves with its exit status. */
export async function runCli(args: readonly string[], world: CliWorld): Promise<number> {
  const asked = readArguments(args, world.env);
  if (asked.kind === 'help') {
    world.stdout.write(asked.command === 'rotate' ? ROTATE_HELP : HELP);
    return EXIT.ok;
  }
  if (asked.kind === 'nothing') {
    world.stderr.write(HELP);
    return EXIT.usage;
  }
  if (asked.kind === 'mistake') return sayMistake(asked.message, world);
  try {
    if (asked.kind === 'rotate') return await rotateCommand(asked, world);
    const { kind: _upload, ...upload } = asked;
    return await uploadCommand(upload, world);
  } catch (error) {
    // What the uploader refuses at construction was written on the command line.
    if (error instanceof TypeError || error instanceof RangeError) return sayMistake(error.message, world);
    throw error;
  }
}

function sayMistake(message: string, { stderr }: CliWorld): number {
  stderr.write(`${message}\nTry: longhaul --help\n`);
  return EXIT.usage;
}

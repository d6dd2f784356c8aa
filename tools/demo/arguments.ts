import { parseArgs } from 'node:util';

/** What the demo was asked to do. */
export interface DemoArguments {
  /** File to upload; without it the demo makes one of 64 MiB. */
  readonly file: string | undefined;
  /** End after the upload instead of serving the page. */
  readonly once: boolean;
  /** Print one JSON object as the last line of stdout. */
  readonly json: boolean;
  readonly help: boolean;
  /** Where to keep what must survive a kill; default `.longhaul/demo` in the checkout. */
  readonly folder: string | undefined;
  /** As written, for the uploader's own reader of rates. */
  readonly maxRate: string | undefined;
}

export const HELP = `The demo: a local S3, a coordinator and a page, all on this machine; uploads a file and compares every byte.

Usage
  npx --yes pnpm@12 demo [FILE] [--once] [--json] [--max-rate 40M] [--folder DIR]

  FILE             what to upload; without it a file of 64 MiB is made
  --once           end after the upload instead of keeping the page up
  --json           the last line of stdout is one JSON object
  --max-rate RATE  bytes per second of this upload, all parts together: 40M is 40,000,000, 40MiB is 41,943,040;
                   the page is not slowed
  --folder DIR     where to keep what must survive a kill; default .longhaul/demo. Remove it to begin anew

Kill it in the middle and run it again with the same FILE: it resumes.

Examples
  npx --yes pnpm@12 demo
  npx --yes pnpm@12 demo film.mkv --once --json
  npx --yes pnpm@12 demo film.mkv --max-rate 20M

Exit status: 0 the stored object is the file, 1 it failed, 2 the command is wrong, 130 ended by Ctrl-C.
`;

/** @throws TypeError of node:util when an option is not known */
export function readArguments(args: readonly string[]): DemoArguments {
  const { values, positionals } = parseArgs({
    // npm's way of passing options on; pnpm hands the dashes over as well.
    args: args.filter((arg) => arg !== '--'),
    allowPositionals: true,
    options: {
      once: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      folder: { type: 'string' },
      'max-rate': { type: 'string' },
    },
  });
  if (positionals.length > 1)
    throw new TypeError(`one FILE at most, got ${positionals.length}: ${positionals.join(' ')}`);
  return {
    file: positionals[0],
    once: values.once ?? false,
    json: values.json ?? false,
    help: values.help ?? false,
    folder: values.folder,
    maxRate: values['max-rate'],
  };
}

import { parseArgs } from 'node:util';
import { CLIENTS, type ClientName } from './clients.ts';
import type { LinkSpec } from './link.ts';
import { LINKS } from './specs.ts';
import { UsageError } from './usage-error.ts';

/** What is to be measured. */
export interface LinksArguments {
  readonly links: readonly LinkSpec[];
  readonly clients: readonly ClientName[];
  readonly rounds: number;
  /** 0: none. */
  readonly blackoutSeconds: number;
  readonly seed: number;
  /** `undefined`: as the kernel has it. */
  readonly congestion: string | undefined;
  readonly json: boolean;
}

export const HELP = `Uploads over long lines that this machine emulates, with Longhaul and its peers in turn, and prints how near each comes to
what the line can carry.

Usage
  npx --yes pnpm@12 bench links [options]

  --only LINK            one of ${LINKS.map(({ name }) => name).join(', ')}; may be repeated
  --clients A,B          of ${CLIENTS.map(({ name }) => name).join(', ')}
  --sizes 128,64         MiB, instead of each line's own
  --small                the files of a few parts on lines that have one, instead of their own
  --rounds 3             every client once a round; medians are printed
  --quick                one round, the smallest size of each line
  --blackout             nothing passes for a minute in the middle of every upload
  --blackout-seconds N   the same, for so long
  --seed 1               which packets get lost
  --congestion NAME      how senders find their pace (reno, cubic, bbr), where the kernel allows it; default its own
  --json                 everything that was measured, as JSON

Needs root (it makes network namespaces), and the programs ip, cc and curl; Chromium for those clients that are in a page.
`;

const COUNT = /^[1-9]\d*$/;

/**
 * Reads the command line. `undefined`: help was asked for.
 *
 * @throws UsageError if a word is unknown
 */
export function readArguments(words: readonly string[]): LinksArguments | undefined {
  const values = parse(words);
  if (values.help) return undefined;
  const sizesMiB = values.sizes?.split(',').map((text) => count('--sizes', text));
  const quick = values.quick === true;
  return {
    links: chosen('--only', values.only, LINKS).map((link) => {
      const small = values.small === true && link.smallMiB !== undefined ? [link.smallMiB] : undefined;
      const wanted = sizesMiB ?? small ?? link.sizesMiB;
      return { ...link, sizesMiB: quick ? [Math.min(...wanted)] : wanted };
    }),
    clients: chosen('--clients', values.clients?.split(','), CLIENTS).map(({ name }) => name),
    rounds: count('--rounds', values.rounds ?? (quick ? '1' : '3')),
    blackoutSeconds:
      count('--blackout-seconds', values['blackout-seconds'] ?? '60') * Number(blackoutAsked(values)),
    seed: count('--seed', values.seed ?? '1'),
    congestion: values.congestion,
    json: values.json === true,
  };
}

function blackoutAsked(values: ReturnType<typeof parse>): boolean {
  return values.blackout === true || values['blackout-seconds'] !== undefined;
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        only: { type: 'string', multiple: true },
        clients: { type: 'string' },
        sizes: { type: 'string' },
        small: { type: 'boolean' },
        rounds: { type: 'string' },
        quick: { type: 'boolean' },
        blackout: { type: 'boolean' },
        'blackout-seconds': { type: 'string' },
        seed: { type: 'string' },
        congestion: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** Those that are named, in our order; all if none is. */
function chosen<Item extends { readonly name: string }>(
  option: string,
  names: readonly string[] | undefined,
  all: readonly Item[],
): readonly Item[] {
  const unknown = names?.find((name) => !all.some((item) => item.name === name));
  if (unknown !== undefined) {
    const known = all.map(({ name }) => name).join(', ');
    throw new UsageError(`${option} "${unknown}" is none of: ${known}`);
  }
  return names ? all.filter(({ name }) => names.includes(name)) : all;
}

function count(option: string, text: string): number {
  if (!COUNT.test(text)) throw new UsageError(`${option} takes whole numbers above 0, got "${text}"`);
  return Number(text);
}

import { createHash, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Command, EXIT, UsageError } from '../command.ts';

/** `longhaul-coordinator api-key` */
export const apiKey: Command = {
  name: 'api-key',
  summary: 'make a key with which a service may create uploads',
  help: `longhaul-coordinator api-key OWNER

Makes a random key and says it on stdout, once: it is kept nowhere. On stderr stands the line for LONGHAUL_API_KEYS_FILE, which
holds the key's SHA-256 only. An owner may have several keys; to replace one, add the new line, then drop the old one.

  OWNER   whose uploads they will be: 1 to 256 characters without blanks and commas

Example
  longhaul-coordinator api-key billing 2>>api-keys >billing.key
  LONGHAUL_API_KEYS_FILE=api-keys S3_BUCKET=uploads longhaul-coordinator serve
  LONGHAUL_AUTHORIZATION="Bearer $(cat billing.key)" longhaul upload film.mkv --coordinator https://uploads.example.com
`,
  async run(args, world) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const [owner, ...others] = positionals;
    if (owner === undefined || others.length > 0) throw new UsageError('Name one owner.');
    if (!/^[^\s,#][^\s,]{0,255}$/.test(owner))
      throw new UsageError('The owner must have 1 to 256 characters, no blanks and no commas.');
    const key = `lhk_${randomBytes(32).toString('base64url')}`;
    world.say(key);
    world.note(`${owner} ${createHash('sha256').update(key).digest('hex')}`);
    return EXIT.done;
  },
};

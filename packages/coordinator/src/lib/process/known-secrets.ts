import { Secret } from '../secret.ts';

/** Variables whose values are secrets, ours and those that the AWS SDK and others read by themselves. */
const SECRETS = /SECRET|PASSWORD|TOKEN|MASTER_KEY|_KEYS$|^AWS_.*_KEY$/;
/** But not those that tell where one is, or how long it lives. */
const NO_SECRETS = /_(FILE|SECONDS|ID|HOST|PORT|ENDPOINT)$/;
/** Variables that hold addresses, which may hold passwords. */
const ADDRESSES = /_URLS?$|_URI$|_ADDR(ESS)?$|ENDPOINT|PROXY/i;

/** The secrets of an environment, whether anybody reads them or not: none may stand in a log. */
export function knownSecrets(env: Readonly<Record<string, string | undefined>>): readonly Secret[] {
  return Object.entries(env).flatMap(([name, value = '']) => {
    const entries = value.split(',').map((entry) => entry.trim());
    if (SECRETS.test(name) && !NO_SECRETS.test(name)) {
      // Master keys have a name before them.
      const named = entries.map((entry) => entry.slice(entry.lastIndexOf(':') + 1));
      return [value, ...entries, ...named].map((entry) => new Secret(entry));
    }
    return ADDRESSES.test(name) ? entries.flatMap(passwordIn) : [];
  });
}

/** The password of a URL, which may be told without the rest of it. */
function passwordIn(value: string): Secret[] {
  const { password } = URL.canParse(value) ? new URL(value) : { password: '' };
  return password === '' ? [] : [...new Set([password, unescaped(password)])].map((one) => new Secret(one));
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

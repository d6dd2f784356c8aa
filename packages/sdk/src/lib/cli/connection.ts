/** Variables of the process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How the coordinator is called. */
export interface Connection {
  readonly coordinator: string;
  /** For the coordinator's `authorize` hook. */
  readonly headers: Readonly<Record<string, string>>;
}

const DEFAULT_COORDINATOR = 'http://127.0.0.1:8787';

/** Reads `--coordinator` and `--header`, and what stands for them in the environment. @throws TypeError naming the option */
export function readConnection(
  { coordinator, header = [] }: { readonly coordinator?: string; readonly header?: readonly string[] },
  env: Environment,
): Connection {
  return {
    coordinator: readCoordinator(coordinator ?? env['LONGHAUL_COORDINATOR'] ?? DEFAULT_COORDINATOR),
    headers: readHeaders(header, env['LONGHAUL_AUTHORIZATION']),
  };
}

/** A password in a URL would show in messages and in the list of processes, and `fetch` refuses it. */
function readCoordinator(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new TypeError(`--coordinator: an address begins with http:// or https://, got "${text}".`);
  }
  const { username, password } = new URL(text);
  if (username || password)
    throw new TypeError('--coordinator: no user or password in the address; use --header.');
  return text;
}

/** Headers as curl takes them; the environment keeps a secret out of the list of processes. */
function readHeaders(lines: readonly string[], authorization: string | undefined): Record<string, string> {
  const given = lines.map((line) => {
    const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new TypeError("--header: write it like 'authorization: Bearer abc', a name, a colon, a value.");
    }
    return [name.toLowerCase(), value];
  });
  return { ...(authorization && { authorization }), ...Object.fromEntries(given) };
}

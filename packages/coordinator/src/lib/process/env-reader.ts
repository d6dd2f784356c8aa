import { Secret } from '../secret.ts';

/** Reads environment variables and collects everything that is wrong with them, so that it can be told at once. */
export interface EnvReader {
  readonly problems: string[];
  /** As {@link text}, of what must not be seen. */
  secret(name: string): Secret | undefined;
  secretList(name: string): readonly Secret[] | undefined;
  text(name: string): string | undefined;
  list(name: string): readonly string[] | undefined;
  integer(name: string, fallback: number, range: readonly [least: number, most: number]): number;
  boolean(name: string, fallback: boolean): boolean;
  url(name: string, protocols: readonly string[]): string | undefined;
  choice(name: string, fallback: string, choices: readonly string[]): string;
}

/** A reader of `env`. An empty variable counts as one that is not set. */
export function createEnvReader(env: Readonly<Record<string, string | undefined>>): EnvReader {
  const problems: string[] = [];
  const text = (name: string): string | undefined => env[name] || undefined;
  const list = (name: string): readonly string[] | undefined => {
    const entries = (text(name) ?? '').split(',').map((entry) => entry.trim());
    const given = entries.filter((entry) => entry !== '');
    return given.length > 0 ? given : undefined;
  };
  return {
    problems,
    text,
    secret(name) {
      const given = text(name);
      return given === undefined ? undefined : new Secret(given);
    },
    secretList: (name) => list(name)?.map((entry) => new Secret(entry)),
    list,
    integer(name, fallback, [least, most]) {
      const given = text(name);
      if (given === undefined) return fallback;
      const value = Number(given);
      if (/^\d+$/.test(given) && value >= least && value <= most) return value;
      problems.push(`${name} must be a whole number from ${least} to ${most}, got "${given}"`);
      return fallback;
    },
    boolean(name, fallback) {
      const given = text(name) ?? String(fallback);
      if (given !== 'true' && given !== 'false')
        problems.push(`${name} must be true or false, got "${given}"`);
      return given === 'true';
    },
    url(name, protocols) {
      const given = text(name);
      if (given === undefined || isUrl(given, protocols)) return given;
      // The value may hold a password: it is not repeated.
      problems.push(
        `${name} must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      );
      return undefined;
    },
    choice(name, fallback, choices) {
      const given = text(name) ?? fallback;
      if (!choices.includes(given))
        problems.push(`${name} must be one of ${choices.join(', ')}, got "${given}"`);
      return given;
    },
  };
}

/** A URL of one of the protocols, which are written with their colon. */
export function isUrl(text: string, protocols: readonly string[]): boolean {
  return URL.canParse(text) && protocols.includes(new URL(text).protocol);
}

import type { Secret } from './secret.ts';

const HIDDEN = '[secret]';

/** More of a text than that is nobody's to read, and costs too much to look through. */
const MAX_CHARACTERS = 8_192;

/** A shorter one would be found in words that are none. */
const MIN_SECRET_CHARACTERS = 6;

/**
 * What secrets look like in the words of others: drivers, the AWS SDK, proxies, stores. Each is linear in the length of
 * the text. What stands before a secret stays, so that the reader knows what was there.
 */
const SHAPES: readonly (readonly [shape: RegExp, instead: string])[] = [
  // Presigned URLs, whole or percent-encoded into another one.
  [/(X-Amz-(?:Signature|Security-Token|Credential)(?:=|%3D))[^&\s"'<>\\]+/gi, `$1${HIDDEN}`],
  // SigV4's header; its parts stand alone in what a store says of a signature that is wrong.
  [/\b(Signature|Credential)=[\w%/+=.-]+/g, `$1=${HIDDEN}`],
  [
    /<(StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes|SignatureProvided)>[^<]*/g,
    `<$1>${HIDDEN}`,
  ],
  // A header as it is sent, or as an object is printed.
  [
    /\b((?:proxy-)?authorization|(?:set-)?cookie|longhaul-token|(?:x-)?api-key|webhook-signature|x-vault-token|x-amz-security-token|x-amz(?:-copy-source)?-server-side-encryption-customer-key)(["']?\s*[:=]\s*["']?)[^\r\n"'},]+/gi,
    `$1$2${HIDDEN}`,
  ],
  [/\b(Bearer|Basic) +[\w.~+/=-]{6,}/gi, `$1 ${HIDDEN}`],
  // User and password of a URL.
  [/\b([a-z][a-z\d+.-]{1,20}:\/\/)[^\s/@"'<>]+@/gi, `$1${HIDDEN}@`],
  [
    /\b((?:pass(?:word|wd|phrase)?|secret(?:_?access)?_?(?:key)?|session_?token|access_?token)["']?\s*[=:]\s*["']?)[^\s"',;&<>}]+/gi,
    `$1${HIDDEN}`,
  ],
  [/\bwhsec_[A-Za-z\d+/=]+/g, HIDDEN],
  // JWTs, and the tokens of uploads. Looked for where a word begins and nowhere in it: at every `-` the rest would be read again.
  [/(?<![\w-])(?=[\w-]*eyJ[\w-]{8})[\w-]+\.[\w-]+\.[\w-]*/g, HIDDEN],
  [/(?<![\w-])[\w-]{40,}\.[\w-]{43}(?![\w-])/g, HIDDEN],
];

/**
 * A text of somebody else without what looks like a secret. The last net: what is ours does not put secrets into texts.
 */
export function redactText(text: string): string {
  const short = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
  return SHAPES.reduce((rest, [shape, instead]) => rest.replaceAll(shape, instead), short);
}

/**
 * {@link redactText} that knows the secrets themselves, too, in every form that they take on their way into a message: as
 * they are, percent-encoded, escaped for JSON, in base64, base64url and hex.
 */
export function createRedactor(secrets: readonly Secret[]): (text: string) => string {
  const forms = new Set(secrets.flatMap((secret) => formsOf(secret.reveal())));
  // The longest first: a part of it may be a secret, too.
  const known = [...forms].toSorted((one, other) => other.length - one.length);
  return (text) => redactText(known.reduce((rest, form) => rest.replaceAll(form, HIDDEN), text));
}

function formsOf(secret: string): string[] {
  if (secret.length < MIN_SECRET_CHARACTERS) return [];
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

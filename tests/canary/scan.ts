/** Something that must not be seen, and what it is called. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** A place where everything that was said or kept is looked through. */
export interface Haystack {
  readonly name: string;
  readonly text: string;
}

/** A secret that was seen, in what form and where. */
export interface Sighting {
  readonly canary: string;
  readonly form: string;
  readonly haystack: string;
}

/** Every secret that stands in a haystack, in whatever form. */
export function findSightings(
  canaries: readonly Canary[],
  haystacks: readonly Haystack[],
): readonly Sighting[] {
  return canaries.flatMap((canary) =>
    formsOf(canary.value).flatMap(({ form, text }) =>
      haystacks
        .filter((haystack) => haystack.text.includes(text))
        .map((haystack) => ({ canary: canary.name, form, haystack: haystack.name })),
    ),
  );
}

/** A value as it may travel: as it is, and as encodings write it. */
export function formsOf(value: string): readonly { readonly form: string; readonly text: string }[] {
  const bytes = Buffer.from(value);
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  const unicode = Array.from(
    { length: value.length },
    (_, at) => String.raw`\u${value.charCodeAt(at).toString(16).padStart(4, '0')}`,
  );
  return [
    { form: 'raw', text: value },
    { form: 'hex', text: bytes.toString('hex') },
    { form: 'HEX', text: bytes.toString('hex').toUpperCase() },
    { form: 'percent', text: encodeURIComponent(value) },
    { form: 'percent, every byte', text: percent },
    { form: 'PERCENT, every byte', text: percent.toUpperCase() },
    { form: 'percent, twice', text: encodeURIComponent(encodeURIComponent(value)) },
    { form: 'form', text: new URLSearchParams([['', value]]).toString().slice(1) },
    { form: 'JSON', text: JSON.stringify(value).slice(1, -1) },
    { form: 'JSON, twice', text: JSON.stringify(JSON.stringify(value).slice(1, -1)).slice(1, -1) },
    { form: 'JSON, every character', text: unicode.join('') },
    { form: 'XML', text: value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;') },
    ...[0, 1, 2].flatMap((phase) =>
      (['base64', 'base64url'] as const).map((encoding) => ({
        form: `${encoding}, ${phase} bytes into it`,
        text: inside(bytes, phase, encoding),
      })),
    ),
  ];
}

/** What of a base64 text tells of these bytes alone, when so many others stand before them, and any behind. */
function inside(bytes: Buffer, phase: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(phase), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const firstOwn = Math.ceil((phase * 8) / 6);
  const lastOwn = Math.floor(((phase + bytes.length) * 8) / 6);
  return text.slice(firstOwn, lastOwn);
}

/**
 * The texts that bytes turn into when somebody writes them down: each with its name. Base64 in its three alignments, without
 * the characters at the ends that depend on what stands beside.
 */
export function formsOf(bytes: Uint8Array): readonly (readonly [form: string, text: string])[] {
  const buffer = Buffer.from(bytes);
  const inBase64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), buffer])
      .toString('base64')
      .replaceAll('=', '');
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -1);
    return [
      [`base64, shifted by ${shift}`, inner] as const,
      [`base64url, shifted by ${shift}`, inner.replaceAll('+', '-').replaceAll('/', '_')] as const,
    ];
  });
  return [
    ['raw', buffer.toString('latin1')],
    ['UTF-8', buffer.toString('utf8')],
    ['hex', buffer.toString('hex')],
    ['HEX', buffer.toString('hex').toUpperCase()],
    ['decimal', [...bytes].join(',')],
    ['percent', [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')],
    ...inBase64,
  ];
}

/** Engines take so many arguments; Safari 65,536. */
const CHUNK_BYTES = 8_192;

/** Bytes as base64. For small ones: two strings are made of them. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES)
    text += String.fromCharCode(...bytes.subarray(start, start + CHUNK_BYTES));
  return btoa(text);
}

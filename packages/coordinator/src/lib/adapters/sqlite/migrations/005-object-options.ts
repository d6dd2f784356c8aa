/** What the store keeps with an object beside its metadata, as JSON. */
export const objectOptions = `
ALTER TABLE nodes ADD COLUMN object_options TEXT;
`;

/** How the parts of an upload are digested. Uploads that are open already go on without. */
export const checksumAlgorithm = `
ALTER TABLE nodes ADD COLUMN checksum_algorithm TEXT;
`;

/** How the parts of an upload are digested. Uploads that are open already go on without. */
export const checksumAlgorithm = `
alter table nodes add column checksum_algorithm text;
`;

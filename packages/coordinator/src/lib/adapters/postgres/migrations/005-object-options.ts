/** What the store keeps with an object beside its metadata. `json`, as all others: what was written is read back as it was. */
export const objectOptions = `
alter table nodes add column object_options json;
`;

/** When a completion began whose end nobody knows: the time of its newest attempt moves with each one. */
export const completingSince = `
alter table nodes add column completing_since timestamptz;
`;

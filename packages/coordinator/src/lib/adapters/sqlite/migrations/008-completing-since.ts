/** When a completion began whose end nobody knows: the time of its newest attempt moves with each one. */
export const completingSince = `
ALTER TABLE nodes ADD COLUMN completing_since INTEGER;
`;

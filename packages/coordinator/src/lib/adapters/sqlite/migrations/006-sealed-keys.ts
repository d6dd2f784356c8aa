/** Keys of uploads, sealed: nobody reads them without the sealer. Not of the catalog: a row may go before its upload does. */
export const sealedKeys = `
CREATE TABLE sealed_keys (
  document_id TEXT PRIMARY KEY,
  sealed      TEXT NOT NULL,
  expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX sealed_keys_expires_at ON sealed_keys (expires_at);
`;

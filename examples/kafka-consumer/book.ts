import { DatabaseSync } from 'node:sqlite';
import type { UploadEvent } from './upload-event.ts';

/** Who stores how much. */
export interface Book {
  /** Enters an event; `false` when it is in the book already. */
  enter(event: UploadEvent): boolean;
  close(): void;
}

/** The ids of the events that were entered, and what came of them, in one database: so one transaction changes both. */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS entered_events (id TEXT PRIMARY KEY) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS owners (
    owner TEXT PRIMARY KEY,
    object_count INTEGER NOT NULL,
    stored_bytes INTEGER NOT NULL
  );
`;

/** Opens the book in a file, and makes it when it is not there. */
export function openBook(file: string): Book {
  // Others may look into the book meanwhile: wait for them instead of failing.
  const database = new DatabaseSync(file, { timeout: 1_000 });
  database.exec(SCHEMA);
  const remember = database.prepare('INSERT INTO entered_events VALUES (?) ON CONFLICT DO NOTHING');
  const add = database.prepare(`
    INSERT INTO owners VALUES (?, 1, ?)
    ON CONFLICT DO UPDATE SET object_count = object_count + 1, stored_bytes = stored_bytes + excluded.stored_bytes
  `);

  return {
    enter({ id, type, data }) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const isNew = remember.run(id).changes === 1;
        if (isNew && type === 'io.longhaul.upload.completed.v1') add.run(data.owner, data.sizeBytes);
        database.exec('COMMIT');
        return isNew;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}

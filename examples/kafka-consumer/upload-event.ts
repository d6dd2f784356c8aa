import type { KafkaMessage } from 'kafkajs';

/** What this program wants to know of an event. There is more: docs/events.md. */
export interface UploadEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly owner: string; readonly key: string; readonly sizeBytes: number };
}

/** The event in a message: CloudEvents 1.0 in binary mode. `undefined`: it is something else. */
export function eventOf({ headers = {}, value }: KafkaMessage): UploadEvent | undefined {
  const { ce_id: id, ce_type: type } = headers;
  if (id === undefined || type === undefined || value === null) return undefined;
  return { id: String(id), type: String(type), data: JSON.parse(String(value)) };
}

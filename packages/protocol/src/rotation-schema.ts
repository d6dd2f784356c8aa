import * as v from 'valibot';
import { customerKey, encryptionSchema } from './object-schemas.ts';
import type { RotateRequest } from './rotation.ts';

/** {@link RotateRequest} */
export const rotateRequestSchema: v.GenericSchema<unknown, RotateRequest> = v.strictObject({
  rotationId: v.pipe(v.string(), v.uuid(), v.toLowerCase()),
  encryption: encryptionSchema,
  oldCustomerKey: v.exactOptional(customerKey),
  deleteVersions: v.exactOptional(v.boolean()),
});

import { toJsonSchema } from '@valibot/to-json-schema';
import type { MessageSchema } from '@longhaul/protocol/schemas';

/** JSON Schema 2020-12, as OpenAPI 3.1 speaks it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A member that may be left out. */
interface Optional {
  readonly optional: JsonSchema;
}

/** Every member of a message, and whether it may be left out: the compiler misses those that were forgotten. */
type Members<Message> = {
  readonly [Name in keyof Message]-?: object extends Pick<Message, Name> ? Optional : JsonSchema;
};

export const optional = (schema: JsonSchema): Optional => ({ optional: schema });

/** An answer. Clients must bear members that they do not know: there will be more. */
export function answerOf<Message>(members: Members<Message>): JsonSchema {
  const entries = Object.entries(members) as [string, JsonSchema | Optional][];
  const isOptional = (member: JsonSchema | Optional): member is Optional => Object.hasOwn(member, 'optional');
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, member]) => [name, isOptional(member) ? member.optional : member]),
    ),
    required: entries.filter(([, member]) => !isOptional(member)).map(([name]) => name),
  };
}

/** A request, from the schema that the server checks it by. What a schema cannot say in JSON it is silent on. */
export function requestOf(schema: MessageSchema<unknown>): JsonSchema {
  const { $schema: _, ...converted } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode: 'input',
    errorMode: 'ignore',
    // Texts by their names, some of which are forbidden: the record that follows comes too late for a conversion of input.
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === 'custom'
        ? { type: 'object', additionalProperties: { type: 'string', maxLength: 2048 } }
        : undefined,
    overrideAction: ({ valibotAction }) =>
      valibotAction.type === 'safe_integer'
        ? { type: 'integer', maximum: Number.MAX_SAFE_INTEGER }
        : undefined,
  });
  return converted;
}

import type { UploadContext } from './context.ts';

const INSTALLATION = '{installationId}';

/** The template of object keys with this installation's id in it, where it has a place for one. */
export async function keyTemplate({ settings, installation }: UploadContext): Promise<string> {
  if (!settings.keyTemplate.includes(INSTALLATION)) return settings.keyTemplate;
  return settings.keyTemplate.replaceAll(INSTALLATION, (await installation()).installationId);
}

/** What every object key of this coordinator begins with. */
export interface KeyPrefix {
  readonly prefix: string;
  /** It carries this installation's id: nobody else writes under it. */
  readonly exclusive: boolean;
}

/** The fixed part of the template. */
export async function keyPrefix(context: UploadContext): Promise<KeyPrefix> {
  const [prefix = ''] = (await keyTemplate(context)).split(/\{(?:connectorId|nodeId)\}/);
  return { prefix, exclusive: prefix.includes((await context.installation()).installationId) };
}

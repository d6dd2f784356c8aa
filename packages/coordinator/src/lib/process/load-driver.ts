import { ConfigError } from './config.ts';

/** @throws ConfigError when the package is not there: it is installed only by those who use it */
export async function loadDriver<Driver>(
  name: string,
  variable: string,
  load: () => Promise<Driver>,
): Promise<Driver> {
  try {
    return await load();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new ConfigError([
      `${variable} needs the package ${name}, which is not installed: npm install ${name}`,
    ]);
  }
}

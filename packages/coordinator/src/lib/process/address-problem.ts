import { CommandError } from './command.ts';
import { ConfigError } from './config.ts';

/** What `listen` has thrown, in words; what is not of the address, as it is. @param prefix of the variables that named it */
export function addressProblem(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
  prefix: string,
): unknown {
  switch ((error as { readonly code?: unknown }).code) {
    case 'EADDRINUSE':
      return new CommandError(
        `${prefix}_PORT=${port}: another program listens on ${host} there. Stop it, or choose another port.`,
      );
    case 'EACCES':
      return new ConfigError([
        `${prefix}_PORT=${port}: this user may not listen there. Choose a port above 1023`,
      ]);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError([`${prefix}_HOST=${host} is no address of this machine`]);
    default:
      return error;
  }
}

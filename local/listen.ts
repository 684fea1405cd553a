import type { ServerType } from '@hono/node-server';
import { PermanentError } from '#shared/errors.ts';

/** How many ports after the wanted one are tried. */
const TRIES = 50;

/**
 * Starts a server on the wanted port of 127.0.0.1, or on the next free one after it; 0 takes any free port.
 *
 * @param open makes the server listen on the given port
 * @throws PermanentError `no-free-port` after 50 taken ports
 */
export const listenOn = async <Server extends ServerType>(
  wanted: number,
  open: (port: number) => Server,
): Promise<{ readonly server: Server; readonly url: string; readonly port: number }> => {
  for (let port = wanted; port < wanted + TRIES; port += 1) {
    const server = open(port);
    const listening = await new Promise<boolean>((resolve, reject) => {
      server.once('listening', () => resolve(true));
      server.once('error', (error: NodeJS.ErrnoException) =>
        error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
      );
    });
    if (!listening) continue;
    const address = server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    return { server, port: bound, url: `http://127.0.0.1:${bound}` };
  }
  throw new PermanentError('no-free-port', `ports ${wanted} to ${wanted + TRIES - 1} of 127.0.0.1 are all taken`, {
    hint: 'stop another local stack, or set other ports',
  });
};

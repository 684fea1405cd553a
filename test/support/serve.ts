import type { Server } from 'node:http';

export interface Served {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/** Lets a server of a test listen on a free port of this machine only. */
export const serve = async (server: Server): Promise<Served> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};

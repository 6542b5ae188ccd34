/** Opens a listening socket, and keeps an error on it from ending the process afterwards. */
import type { Server } from 'node:net';
import type { HostPort } from './config/hostPort.ts';
import type { Logger } from './log.ts';

/** Connections the system holds for us until we take them. */
const backlog = 1024;

export async function listen(server: Server, { host, port }: HostPort, log: Logger): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  // For instance no file descriptors left: those that wait are taken when there are some again.
  server.on('error', (error) => {
    log.error({ error: error.message }, 'cannot take a connection');
  });
}

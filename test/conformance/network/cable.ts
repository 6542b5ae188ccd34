/**
 * The cable between two nodes: a proxy that the dialling node takes for the other. It can keep bytes back, and break
 * a connection at both ends or at one end only.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const host = '127.0.0.1';

interface Connection {
  /** The end that dialled, and the end that was dialled. */
  readonly dialler: Socket;
  readonly dialled: Socket;
  /** Ways on which it keeps back what it is given. */
  readonly holds: Set<Direction>;
}

export type Direction = 'from dialler' | 'to dialler';

export class Cable {
  private readonly server: Server;
  private readonly target: number;
  /** What was kept back: what releases it. */
  private kept: { readonly direction: Direction; readonly pass: () => void }[] = [];
  private connections: Connection[] = [];

  /** `target`: the port of the node that is dialled. */
  constructor(target: number) {
    this.target = target;
    this.server = createServer({ noDelay: true }, (dialler) => {
      this.join(dialler);
    });
  }

  /** Resolves to the port that it answers on. */
  async listen(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  get isHolding(): boolean {
    return this.connections.some(({ holds }) => holds.size > 0);
  }

  get hasKept(): boolean {
    return this.kept.length > 0;
  }

  /** What is sent on the present connection is kept back, even when that is broken. */
  hold(direction: Direction): void {
    for (const { holds } of this.connections) holds.add(direction);
  }

  release(direction: Direction): void {
    for (const { holds } of this.connections) holds.delete(direction);
    const passing = this.kept.filter((each) => each.direction === direction);
    this.kept = this.kept.filter((each) => each.direction !== direction);
    for (const { pass } of passing) pass();
  }

  /** Both ends hear that their connection broke. */
  break(): void {
    for (const { dialler, dialled } of this.connections.splice(0)) {
      dialler.resetAndDestroy();
      dialled.resetAndDestroy();
    }
  }

  /** One end hears. The function that is returned lets the other hear as well. */
  breakAt(end: 'dialler' | 'dialled'): () => void {
    const broken = this.connections.splice(0);
    for (const connection of broken) connection[end].resetAndDestroy();
    return () => {
      for (const { dialler, dialled } of broken) (end === 'dialler' ? dialled : dialler).resetAndDestroy();
    };
  }

  close(): void {
    this.server.close();
    this.break();
  }

  private join(dialler: Socket): void {
    const dialled = connect({ port: this.target, host, noDelay: true });
    const connection: Connection = { dialler, dialled, holds: new Set() };
    this.connections.push(connection);
    this.pass(connection, 'from dialler');
    this.pass(connection, 'to dialler');
    for (const socket of [dialler, dialled]) {
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        // Else it was broken, and whoever did that decides what the other end hears.
        if (!this.connections.includes(connection)) return;
        this.connections = this.connections.filter((each) => each !== connection);
        dialler.destroySoon();
        dialled.destroySoon();
      });
    }
  }

  private pass({ dialler, dialled, holds }: Connection, direction: Direction): void {
    const [from, to] = direction === 'from dialler' ? [dialler, dialled] : [dialled, dialler];
    from.on('data', (bytes) => {
      const pass = (): void => {
        if (to.writable) to.write(bytes);
      };
      if (holds.has(direction)) this.kept.push({ direction, pass });
      else pass();
    });
  }
}

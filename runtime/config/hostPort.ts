/** A host and a port, written `HOST:PORT` or `[IPV6]:PORT`. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `text` is known to be well formed. */
export function hostPort(text: string): HostPort {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

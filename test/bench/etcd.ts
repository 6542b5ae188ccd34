/**
 * etcd under the same load: gRPC over plain HTTP/2, the two messages it takes encoded by hand, so that the client
 * costs as little as can be.
 */
import { connect, type ClientHttp2Session, constants } from 'node:http2';
import { type Measured, summarise } from './load.ts';

export const put = '/etcdserverpb.KV/Put';
export const range = '/etcdserverpb.KV/Range';

/** Both requests have the key as field 1; a put has the value as field 2. */
export function message(key: string, value: string | null): Buffer {
  const fields = [field(1, key), ...(value === null ? [] : [field(2, value)])];
  const body = Buffer.concat(fields);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(body.length, 1);
  return Buffer.concat([header, body]);
}

function field(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

export async function measureEtcd(
  ports: readonly number[],
  connections: number,
  path: string,
  body: Buffer,
  seconds: number,
): Promise<Measured> {
  const countFrom = performance.now() + seconds * 250;
  const endAt = countFrom + seconds * 1000;
  const latencies: number[] = [];
  await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const session = connect(`http://127.0.0.1:${String(ports[i % ports.length])}`);
      for (;;) {
        const sentAt = performance.now();
        if (sentAt > endAt) break;
        await call(session, path, body);
        if (sentAt >= countFrom) latencies.push(performance.now() - sentAt);
      }
      session.close();
    }),
  );
  return summarise(latencies, 1, seconds);
}

export async function call(session: ClientHttp2Session, path: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    });
    let status = '';
    stream.on('trailers', (headers) => {
      status = String((headers as Record<string, unknown>)['grpc-status']);
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (status === '0') resolve();
      else reject(new Error(`etcd answered ${path} with status ${status}`));
    });
    stream.resume();
    stream.end(body);
  });
}

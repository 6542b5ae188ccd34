import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NodeId } from '../../core/base/ids.ts';
import { InvariantError } from '../../core/base/invariant.ts';
import { decodeHello, encodeHello, maxHelloBytes, refuseHello } from '../../core/wire/hello.ts';
import { sampleHello } from './samples.ts';

const bytes = encodeHello(sampleHello, crc32);
const rest = Uint8Array.of(1, 2, 3);

describe('a hello', () => {
  test('is understood, and what follows it left alone', () => {
    const natural = fc.maxSafeNat();
    const hello = fc.record({
      clusterId: fc.string({ maxLength: 64 }),
      node: fc.integer({ min: 1, max: 65_535 }).map(NodeId),
      boot: natural,
      version: natural,
      electionMs: natural,
      leaseReads: fc.boolean(),
      store: fc.string({ maxLength: 32 }),
      began: fc.constantFrom('new' as const, 'lost' as const, 'joined' as const),
      metadata: fc.string({ maxLength: 64 }),
    });
    fc.assert(
      fc.property(hello, fc.uint8Array({ maxLength: 20 }), (said, behind) => {
        const received = new Uint8Array(Buffer.concat([encodeHello(said, crc32), behind]));
        expect(decodeHello(received, crc32)).toEqual({ hello: said, rest: behind });
      }),
    );
  });

  test('is waited for', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(decodeHello(bytes.subarray(0, length), crc32)).toBeNull();
    }
  });

  test('of a later version may say more', () => {
    const longer = Buffer.concat([bytes, Uint8Array.of(7, 7)]);
    longer.writeUInt16BE(longer.length - 6, 4);
    longer.writeUInt32BE(crc32(longer.subarray(10)), 6);
    expect(decodeHello(new Uint8Array(Buffer.concat([longer, rest])), crc32)).toEqual({ hello: sampleHello, rest });
  });

  test('with a flipped bit is none', () => {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = new Uint8Array(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A length that has grown waits for what does not come.
      expect(['malformed', null]).toContain(decodeHello(flipped, crc32));
    }
  });

  test('that is none is known by its first wrong byte', () => {
    expect(decodeHello(Uint8Array.from(Buffer.from('*')), crc32)).toBe('malformed');
    expect(decodeHello(Uint8Array.from(Buffer.from('LHPX')), crc32)).toBe('malformed');
    expect(decodeHello(Uint8Array.from([...Buffer.from('LHPR'), 0xff, 0xff]), crc32)).toBe('malformed');
    expect(decodeHello(Uint8Array.from([...Buffer.from('LHPR'), 0, 3]), crc32)).toBe('malformed');
  });

  test('is short', () => {
    const long = { ...sampleHello, clusterId: 'x'.repeat(maxHelloBytes) };
    expect(() => encodeHello(long, crc32)).toThrow(InvariantError);
  });
});

describe('who talks to whom', () => {
  const own = { ...sampleHello, node: NodeId(1) };
  const isMember = (node: number): boolean => node <= 3;
  test.each([
    ['another node of the cluster', sampleHello, null],
    ['another life of it', { ...sampleHello, boot: 99 }, null],
    ['another cluster', { ...sampleHello, clusterId: 'b' }, "it belongs to cluster 'b', this is 'test-cluster'"],
    ['another version', { ...sampleHello, version: 1 }, 'it speaks version 1 of the peer protocol, this is 6'],
    [
      'a node whose promises are shorter than leases rest on',
      { ...sampleHello, electionMs: 300, leaseReads: false },
      'its electionMs is 300, here it is 600: with leaseReads all must have the same',
    ],
    [
      'a node that creates tenants elsewhere',
      { ...sampleHello, metadata: 'raft' },
      'its metadata is raft, here it is gossip, 3 groups, #12ab: all nodes must have the same mode and groups',
    ],
    ['itself', own, 'it says it is node 1, which is this one'],
    ['a node that is not there', { ...sampleHello, node: NodeId(4) }, 'there is no node 4 in the cluster'],
  ])('%s', (_, theirs, reason) => {
    expect(refuseHello(own, theirs, isMember)).toBe(reason);
  });

  test('whatever the promises, where nobody relies on them', () => {
    const theirs = { ...sampleHello, electionMs: 300, leaseReads: false };
    expect(refuseHello({ ...own, leaseReads: false }, theirs, isMember)).toBe(null);
  });
});

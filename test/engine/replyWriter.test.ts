import { expect, it } from 'vitest';
import { binaryString, bytesOfBinary } from '../../core/base/bytes.ts';
import { type Protocol, ReplyWriter } from '../../core/resp/replyWriter.ts';

function written(protocol: Protocol, write: (reply: ReplyWriter) => void): string {
  const reply = new ReplyWriter(8);
  reply.protocol = protocol;
  write(reply);
  return binaryString(reply.take());
}

/** The last one is half a character: U+FFFD. */
const textBytes = `$12\r\n${binaryString(new TextEncoder().encode('é€😀\ufffd'))}\r\n`;

const replies: readonly (readonly [string, (reply: ReplyWriter) => void, string, string])[] = [
  ['ok', (r) => r.ok(), '+OK\r\n', '+OK\r\n'],
  ['simple', (r) => r.simple('none'), '+none\r\n', '+none\r\n'],
  ['error', (r) => r.error('ERR a\r\nb\nc'), '-ERR a  b c\r\n', '-ERR a  b c\r\n'],
  ['zero', (r) => r.integer(0), ':0\r\n', ':0\r\n'],
  ['negative', (r) => r.integer(-12), ':-12\r\n', ':-12\r\n'],
  ['four digits', (r) => r.integer(9070), ':9070\r\n', ':9070\r\n'],
  ['five digits', (r) => r.integer(10_000), ':10000\r\n', ':10000\r\n'],
  ['64 bits', (r) => r.integer(-(2n ** 63n)), ':-9223372036854775808\r\n', ':-9223372036854775808\r\n'],
  ['bulk', (r) => r.bulk(bytesOfBinary('a\r\nÿ')), '$4\r\na\r\nÿ\r\n', '$4\r\na\r\nÿ\r\n'],
  ['empty bulk', (r) => r.bulk(new Uint8Array(0)), '$0\r\n\r\n', '$0\r\n\r\n'],
  ['text', (r) => r.bulkText('é€😀\ud800'), textBytes, textBytes],
  ['nil', (r) => r.nil(), '$-1\r\n', '_\r\n'],
  ['nil array', (r) => r.nilArray(), '*-1\r\n', '_\r\n'],
  ['array', (r) => r.array(3), '*3\r\n', '*3\r\n'],
  ['map', (r) => r.map(2), '*4\r\n', '%2\r\n'],
  ['set', (r) => r.set(2), '*2\r\n', '~2\r\n'],
  ['push', (r) => r.push(2), '*2\r\n', '>2\r\n'],
  ['double', (r) => r.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
  ['infinite', (r) => r.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  ['no number', (r) => r.double(NaN), '$3\r\nnan\r\n', ',nan\r\n'],
  ['true', (r) => r.boolean(true), ':1\r\n', '#t\r\n'],
  ['false', (r) => r.boolean(false), ':0\r\n', '#f\r\n'],
  ['verbatim', (r) => r.verbatim('txt', 'é'), '$2\r\nÃ©\r\n', '=6\r\ntxt:Ã©\r\n'],
  ['raw', (r) => r.raw(bytesOfBinary(':7\r\n')), ':7\r\n', ':7\r\n'],
];

it.each(replies)('%s', (_, write, second, third) => {
  expect([written(2, write), written(3, write)]).toEqual([second, third]);
});

it('hands out views that later replies leave alone', () => {
  const reply = new ReplyWriter(16);
  const taken: Uint8Array[] = [];
  for (let i = 0; i < 100; i += 1) {
    reply.integer(i);
    expect(reply.length).toBeGreaterThan(0);
    taken.push(reply.take());
    expect(reply.length).toBe(0);
  }
  expect(taken.map(binaryString)).toEqual(taken.map((_, i) => `:${String(i)}\r\n`));
});

it('forgets what is rewound', () => {
  const reply = new ReplyWriter();
  reply.ok();
  const first = reply.take();
  reply.simple('forgotten');
  reply.rewind();
  reply.integer(1);
  expect([first, reply.take()].map(binaryString)).toEqual(['+OK\r\n', ':1\r\n']);
});

it('a reply that would be too large is an error instead, and the next is not', () => {
  const reply = new ReplyWriter(16, 40);
  reply.array(3);
  for (let i = 0; i < 3; i += 1) reply.bulk(new Uint8Array(12).fill(0x78));
  expect(binaryString(reply.take())).toBe('-ERR the reply is larger than 40 bytes; a write has been executed\r\n');
  reply.bulk(new Uint8Array(12).fill(0x78));
  expect(binaryString(reply.take())).toBe('$12\r\nxxxxxxxxxxxx\r\n');
  reply.bulk(new Uint8Array(41));
  reply.rewind();
  reply.ok();
  expect(binaryString(reply.take())).toBe('+OK\r\n');
});

it('a large reply keeps its memory to itself', () => {
  const reply = new ReplyWriter(64);
  reply.bulk(new Uint8Array(1000));
  const large = reply.take();
  reply.integer(1);
  const small = reply.take();
  expect(small.buffer).not.toBe(large.buffer);
  expect(small.buffer.byteLength).toBe(64);
});

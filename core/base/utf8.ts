/** Text to UTF-8. Lone surrogates become U+FFFD, as everywhere. */
import { ByteWriter } from './bytes.ts';

const replacement = 0xfffd;

export function utf8Bytes(text: string): Uint8Array {
  const writer = new ByteWriter(text.length + 16);
  for (const character of text) {
    const point = character.codePointAt(0) ?? replacement;
    const code = point >= 0xd800 && point <= 0xdfff ? replacement : point;
    if (code < 0x80) writer.u8(code);
    else if (code < 0x800) {
      writer.u8(0xc0 | (code >> 6));
      writer.u8(0x80 | (code & 0x3f));
    } else {
      if (code < 0x10000) writer.u8(0xe0 | (code >> 12));
      else {
        writer.u8(0xf0 | (code >> 18));
        writer.u8(0x80 | ((code >> 12) & 0x3f));
      }
      writer.u8(0x80 | ((code >> 6) & 0x3f));
      writer.u8(0x80 | (code & 0x3f));
    }
  }
  return writer.take();
}

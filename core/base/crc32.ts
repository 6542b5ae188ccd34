/**
 * CRC-32 (IEEE 802.3, the one of zlib and PNG), by table. Who has a faster one hands it in: every codec
 * takes the function as an argument of this type.
 */

/** The checksum of `bytes`, continued from the checksum `seed` of what came before (0 at the start). */
export type Crc32 = (bytes: Uint8Array, seed: number) => number;

const polynomial = 0xedb88320;

const table: Readonly<Uint32Array> = makeTable();

export const crc32: Crc32 = (bytes, seed) => {
  let crc = ~seed;
  for (let i = 0; i < bytes.length; i += 1) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
};

function makeTable(): Uint32Array {
  const made = new Uint32Array(256);
  for (let n = 0; n < 256; n += 1) {
    let crc = n;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    made[n] = crc >>> 0;
  }
  return made;
}

/**
 * The digest of a map: the sum of those of its places, so that it follows each change, and comes out the same however
 * the map was come by. It tells maps apart that should be the same; it is no protection against anybody who wants two
 * to have the same. A safe integer of two halves, 20 and 32 bits, which are added each by itself.
 */
export const emptyMapDigest = 0;

const unit = 0x1_0000_0000;
const highMask = 0xf_ffff;

export function digestOfHalves(high: number, low: number): number {
  return (high & highMask) * unit + (low >>> 0);
}

export function plusDigest(sum: number, digest: number): number {
  return digestOfHalves(Math.floor(sum / unit) + Math.floor(digest / unit), (sum >>> 0) + (digest >>> 0));
}

export function minusDigest(sum: number, digest: number): number {
  return digestOfHalves(Math.floor(sum / unit) - Math.floor(digest / unit), (sum >>> 0) - (digest >>> 0));
}

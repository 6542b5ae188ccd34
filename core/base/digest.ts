/**
 * Tells byte strings apart that should be the same (FNV-1a, 32 bits). It goes on from piece to piece: how a string is cut
 * into pieces makes no difference. No protection against anybody who wants two strings to have the same.
 */
export const emptyDigest = 0x811c9dc5;

export function digestOf(bytes: Uint8Array, before: number = emptyDigest): number {
  let digest = before;
  for (let i = 0; i < bytes.length; i += 1) digest = Math.imul(digest ^ (bytes[i] ?? 0), 0x01000193);
  return digest >>> 0;
}

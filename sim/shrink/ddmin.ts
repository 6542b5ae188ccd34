/**
 * Delta debugging (Zeller and Hildebrandt, 2002): which items of a list are needed for something to happen. It
 * leaves out large pieces first, so that a cause of a few items among many is found in a few dozen tries, and ends
 * with a list of which no single item can be left out.
 */

/** `happens` is asked for ever smaller lists; one for which it says yes is what the search goes on from. */
export function ddmin<Item>(
  items: readonly Item[],
  happens: (fewer: readonly Item[]) => boolean,
  least = 0,
): readonly Item[] {
  if (items.length > least && happens(items.slice(0, least))) return items.slice(0, least);
  let kept = items;
  let pieces = 2;
  while (kept.length > Math.max(least, 1)) {
    const fewer = withoutOnePiece(kept, pieces, happens, least);
    if (fewer !== null) {
      kept = fewer;
      pieces = Math.max(2, pieces - 1);
    } else if (pieces >= kept.length) break;
    else pieces = Math.min(kept.length, pieces * 2);
  }
  return kept;
}

/** Later pieces first: what comes late depends on what comes early, and is easier to do without. */
function withoutOnePiece<Item>(
  items: readonly Item[],
  pieces: number,
  happens: (fewer: readonly Item[]) => boolean,
  least: number,
): readonly Item[] | null {
  const length = Math.ceil(items.length / pieces);
  for (let begin = (Math.ceil(items.length / length) - 1) * length; begin >= 0; begin -= length) {
    const fewer = [...items.slice(0, begin), ...items.slice(begin + length)];
    if (fewer.length >= least && happens(fewer)) return fewer;
  }
  return null;
}

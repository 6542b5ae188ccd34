/**
 * Names with their places, one behind the other in pages of words, in the order in which the names came. A record is
 * changed in place and never leaves: its address, a number, stays good. Nothing of it is an object of its own, so that
 * a million cost what their letters take and the collector of garbage never looks at them.
 *
 *   record   letters, and whether dropped · group · epoch, low and high · incarnation, low and high · name
 */
import { Epoch, GroupId, Incarnation, type TenantName } from '../base/ids.ts';
import { invariant } from '../base/invariant.ts';
import { digestOfHalves } from './mapDigest.ts';
import { letterOf, mixed, type PackedName, wordsOf } from './packedName.ts';
import type { Place } from './place.ts';

const pageBits = 16;
/** 256 KiB: what is allocated at a time. No record spans two pages. */
const pageWords = 1 << pageBits;
const withinPage = pageWords - 1;
const firstPageWords = 64;
const headWords = 6;
const lettersMask = 0xff;
const droppedFlag = 0x100;
const highUnit = 0x1_0000_0000;

export class PlaceRecords {
  /** Where the next one goes: behind all others. */
  end = 0;
  private readonly pages: Uint32Array[] = [new Uint32Array(firstPageWords)];

  /** A record's address behind this one's, or `end`. */
  after(at: number): number {
    const page = this.pageOf(at);
    const next = at + sizeOf(page, at & withinPage);
    if (next >= this.end) return this.end;
    const isPageDone = (next & withinPage) === 0 || (page[next & withinPage] ?? 0) === 0;
    return isPageDone ? ((at >>> pageBits) + 1) * pageWords : next;
  }

  /** A new name, whose place is still to be set. Returns its address. */
  append({ words, length }: PackedName): number {
    const nameWords = wordsOf(length);
    const page = this.reserve(headWords + nameWords);
    const at = this.end;
    const start = at & withinPage;
    page[start] = length;
    for (let i = 0; i < nameWords; i += 1) page[start + headWords + i] = words[i] ?? 0;
    this.end += headWords + nameWords;
    return at;
  }

  isNamed(at: number, { words, length }: PackedName): boolean {
    const page = this.pageOf(at);
    const start = at & withinPage;
    if (((page[start] ?? 0) & lettersMask) !== length) return false;
    const nameWords = wordsOf(length);
    for (let i = 0; i < nameWords; i += 1) if (page[start + headWords + i] !== words[i]) return false;
    return true;
  }

  nameAt(at: number): TenantName {
    const page = this.pageOf(at);
    const start = at & withinPage;
    const length = (page[start] ?? 0) & lettersMask;
    let name = '';
    for (let i = 0; i < length; i += 1) name += String.fromCharCode(letterOf(page, start + headWords, i));
    return name as TenantName;
  }

  placeAt(at: number): Place {
    const page = this.pageOf(at);
    const start = at & withinPage;
    const incarnation = Incarnation(wide(page, start + 4));
    if (((page[start] ?? 0) & droppedFlag) !== 0) return { group: null, incarnation };
    return { group: GroupId(page[start + 1] ?? 0), epoch: Epoch(wide(page, start + 2)), incarnation };
  }

  setPlace(at: number, place: Place): void {
    const page = this.pageOf(at);
    const start = at & withinPage;
    const length = (page[start] ?? 0) & lettersMask;
    page[start] = place.group === null ? length | droppedFlag : length;
    page[start + 1] = place.group ?? 0;
    setWide(page, start + 2, place.group === null ? 0 : place.epoch);
    setWide(page, start + 4, place.incarnation);
  }

  /** Of name and place, in two halves that agree by chance only independently of one another. */
  digestAt(at: number): number {
    const page = this.pageOf(at);
    const start = at & withinPage;
    const end = start + sizeOf(page, start);
    let low = 1;
    let high = 2;
    for (let i = start; i < end; i += 1) {
      const word = page[i] ?? 0;
      low = mixed(low ^ word);
      high = mixed(Math.imul(high, 0x9e3779b1) + word);
    }
    return digestOfHalves(high, low);
  }

  copy(): PlaceRecords {
    const copy = new PlaceRecords();
    copy.pages.splice(0, 1, ...this.pages.map((page) => page.slice()));
    copy.end = this.end;
    return copy;
  }

  private pageOf(at: number): Uint32Array {
    const page = this.pages[at >>> pageBits];
    invariant(page !== undefined, 'an address is that of a record');
    return page;
  }

  /** Makes room at `end`. The first page grows, so that a small map is small. */
  private reserve(words: number): Uint32Array {
    const last = this.pages.length - 1;
    const used = this.end - last * pageWords;
    if (used + words > pageWords) {
      const page = new Uint32Array(pageWords);
      this.pages.push(page);
      this.end = (last + 1) * pageWords;
      return page;
    }
    const page = this.pages[last];
    invariant(page !== undefined, 'there is always a page');
    if (used + words <= page.length) return page;
    const larger = new Uint32Array(Math.min(pageWords, Math.max(2 * page.length, used + words)));
    larger.set(page);
    this.pages[last] = larger;
    return larger;
  }
}

function sizeOf(page: Uint32Array, start: number): number {
  return headWords + wordsOf((page[start] ?? 0) & lettersMask);
}

function wide(page: Uint32Array, at: number): number {
  const low = page[at] ?? 0;
  const high = page[at + 1] ?? 0;
  // Nearly always small, and then it costs no box of its own.
  return high === 0 ? low : high * highUnit + low;
}

function setWide(page: Uint32Array, at: number, value: number): void {
  page[at] = value >>> 0;
  page[at + 1] = Math.floor(value / highUnit);
}

/**
 * Compares our reading of a text with another parser's. Any difference that is not listed here as a difference of
 * representation is an answer: the text has no certain reading.
 */
import { Stop } from '../stop.ts';
import type { Fact } from './outline.ts';

function order(one: Fact, other: Fact): number {
  return one.start - other.start || compareKinds(one.kind, other.kind) || one.end - other.end;
}

function compareKinds(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

function isSame(ours: Fact, theirs: Fact): boolean {
  if (ours.kind !== theirs.kind || ours.start !== theirs.start || ours.end !== theirs.end) return false;
  if (ours.detail !== theirs.detail) return false;
  return ours.value === undefined || theirs.value === undefined || ours.value === theirs.value;
}

/** @throws {Stop} parsers-disagree at the first place where the facts differ. */
export function requireAgreement(ours: readonly Fact[], theirs: readonly Fact[]): void {
  const one = [...ours].sort(order);
  const other = [...theirs].sort(order);
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const mine = one[index];
    const its = other[index];
    if (mine !== undefined && its !== undefined && isSame(mine, its)) continue;
    const place = !its || (mine && mine.start <= its.start) ? (mine as Fact) : its;
    const message = `two parsers read a ${place.kind} differently here, so what bash would run is not certain`;
    throw new Stop('parsers-disagree', message, place.start, Math.max(place.end, place.start + 1));
  }
}

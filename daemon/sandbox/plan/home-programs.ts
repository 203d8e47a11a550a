/**
 * What stays readable of a home that is hidden: the programs of policies/home.jsonc, wherever links of the home lead. The
 * links are the user's own, made outside: a command cannot write to the home.
 */
import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { isWithin } from './within.ts';

export interface ShownOfHome {
  /** Absolute, no link on the way. */
  readonly places: readonly string[];
  /** Links of the home through which they are reached, with what they hold. */
  readonly links: ReadonlyMap<string, string>;
}

/** As the kernel has it. Source: path_resolution(7) */
const maxLinks = 40;

/** @param names relative to the home. */
export function findShownOfHome(home: string, names: readonly string[]): ShownOfHome {
  const places = new Set<string>();
  const links = new Map<string, string>();
  for (const name of names) {
    const found = followLinks(home, name, links);
    if (found !== undefined) places.add(found);
  }
  return { places: [...places], links };
}

/** Undefined for what is not there, and for what lies outside of the home, where it is seen anyway. */
function followLinks(home: string, name: string, links: Map<string, string>): string | undefined {
  let rest = name.split('/');
  let place = home;
  for (let followed = 0; ; ) {
    const next = rest.shift();
    if (next === undefined) break;
    place = path.join(place, next);
    const stat = lstatSync(place, { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (!stat.isSymbolicLink()) continue;
    if (++followed > maxLinks) return undefined;
    const target = readlinkSync(place);
    links.set(place, target);
    const leads = path.resolve(path.dirname(place), target);
    // A link to the home or a folder above would show all that is hidden.
    if (!isWithin(home, leads) || leads === home) return undefined;
    rest = [...path.relative(home, leads).split('/'), ...rest];
    place = home;
  }
  return place;
}

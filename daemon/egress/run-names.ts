/**
 * The names that one run has asked for. An address of the run's own range stands for each, given in order and never anew,
 * so what a program keeps of an answer stays true for as long as the run lives. A name that no rule allows has one too:
 * it is refused where the program connects, which says more to it and to its user than a failed lookup.
 */
import type { RunNames } from './model.ts';

/** Of one run. A program that asks for names without end gets no more answers. */
export const maxNames = 20_000;
/** Addresses that end in 0 or 255 look like those of a network to some programs. */
const hostsPerBlock = 254;

/** @param share the first two numbers of the run's addresses, such as `127.64`. */
export function openNames(share: string): RunNames {
  const addresses = new Map<string, string>();
  const names: string[] = [];
  return {
    addressOf: (name) => {
      const known = addresses.get(name);
      if (known !== undefined) return known;
      if (names.length === maxNames) return undefined;
      const index = names.push(name) - 1;
      const address = `${share}.${Math.floor(index / hostsPerBlock)}.${(index % hostsPerBlock) + 1}`;
      addresses.set(name, address);
      return address;
    },
    nameOf: (address) => {
      if (address === '127.0.0.1' || address === '::1') return 'localhost';
      const [first, second, third, fourth] = address.split('.').map(Number);
      if (`${first}.${second}` !== share || third === undefined || fourth === undefined) return undefined;
      return fourth < 1 || fourth > hostsPerBlock ? undefined : names[third * hostsPerBlock + fourth - 1];
    },
  };
}

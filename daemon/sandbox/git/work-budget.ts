/**
 * How much may be unpacked for one merge. A few kilobytes can unpack to gigabytes; what a command really made is not a
 * hundred times smaller packed, so what may be spent grows with what is there.
 */
import { UnusableFile } from './folder-tree.ts';

const freeBytes = 2 * 2 ** 30;
const perPackedByte = 20;

export class WorkBudget {
  #left = freeBytes;

  earn(packedBytes: number): void {
    this.#left += packedBytes * perPackedByte;
  }

  /** @throws {UnusableFile} when it is used up. */
  spend(unpackedBytes: number): void {
    this.#left -= unpackedBytes;
    if (this.#left < 0) throw new UnusableFile('unpacking it takes more work than such an amount of data is worth');
  }
}

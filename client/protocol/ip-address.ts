/**
 * IP addresses as numbers, so that rules and checks compare what an address is and never how it is written. An IPv6 address
 * that only carries an IPv4 one (`::ffff:127.0.0.1`) is that IPv4 address: the kernel connects to it.
 */

export interface IpAddress {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

export interface AddressRange extends IpAddress {
  /** Leading bits that count; the others are zero in `bits`, the first address, and one in `last`. */
  readonly prefix: number;
  readonly last: bigint;
}

const widths = { 4: 32, 6: 128 } as const;

/** @param text dotted decimal, or IPv6 without brackets and zone; other spellings are for `parseHost`. */
export function parseAddress(text: string): IpAddress | undefined {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (dotted !== undefined) {
    const parts = dotted.map(Number);
    if (parts.some((part, index) => part > 255 || String(part) !== dotted[index])) return undefined;
    return { family: 4, bits: parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n) };
  }
  const bits = parseIpv6(text);
  if (bits === undefined) return undefined;
  // Source: RFC 4291 2.5.5.2.
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits };
}

/** The URL parser of the platform reads it; what it prints has one shape. Source: RFC 5952, WHATWG URL "IPv6 serializer". */
function parseIpv6(text: string): bigint | undefined {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text) || !text.includes(':') || !URL.canParse(`http://[${text}]/`))
    return undefined;
  const [head = '', tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

export function showAddress({ family, bits }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => ((bits >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

/** `10.0.0.0/8`, `fd00::/8`; bits behind the prefix do not count. An address alone is a range of one. */
export function parseRange(text: string): AddressRange | undefined {
  const [before = '', after, ...more] = text.split('/');
  if (more.length > 0) return undefined;
  const address = parseAddress(before);
  if (address === undefined) return undefined;
  const width = widths[address.family];
  if (after === undefined) return { ...address, prefix: width, last: address.bits };
  if (!/^(0|[1-9]\d{0,2})$/.test(after)) return undefined;
  // `::ffff:10.0.0.0/104` is 10.0.0.0/8; a shorter prefix would be more than IPv4.
  const prefix = Number(after) - (address.family === 4 && before.includes(':') ? 96 : 0);
  if (prefix < 0 || prefix > width) return undefined;
  const shift = BigInt(width - prefix);
  const bits = (address.bits >> shift) << shift;
  return { family: address.family, bits, prefix, last: bits + (1n << shift) - 1n };
}

export function isWithin(address: IpAddress, range: AddressRange): boolean {
  return address.family === range.family && address.bits >= range.bits && address.bits <= range.last;
}

/** Whether every address of `inner` is in `outer`. */
export function isRangeWithin(inner: AddressRange, outer: AddressRange): boolean {
  return inner.prefix >= outer.prefix && isWithin(inner, outer);
}

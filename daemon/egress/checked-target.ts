/** A destination that may be dialled: decided, resolved once, its address checked. */

declare const checked: unique symbol;

export interface CheckedTarget {
  readonly [checked]: true;
  /** Canonical: lower case, A-labels, no final dot; an address as the standard library prints it. */
  readonly host: string;
  readonly port: number;
  /** In the order in which they are tried; none for a host that the upstream proxy resolves. */
  readonly addresses: readonly string[];
}

/** The bearer token of a request against the daemon's own, without the time of the comparison telling how near it was. */
import { createHash, timingSafeEqual } from 'node:crypto';

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A check of every `Authorization` header of a request; none and two are wrong. Source: RFC 6750 2.1 */
export function createBearerCheck(token: string): (authorizations: readonly string[]) => boolean {
  // Of one length whatever was sent, which is what timingSafeEqual asks for.
  const expected = hash(token);
  return (authorizations) => {
    const [value] = authorizations;
    const shown = authorizations.length === 1 ? /^bearer +([^\s]+)$/i.exec(value ?? '')?.[1] : undefined;
    return timingSafeEqual(hash(shown ?? ''), expected) && shown !== undefined;
  };
}

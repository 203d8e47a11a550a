/**
 * Places of secrets that commands must not read (policies/credentials.jsonc). Absent ones are hidden too: a token that
 * the host stores while a session is open must not appear inside it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ParseError, parse } from 'jsonc-parser';
import { findPackageRoot } from '../../platform/package-root.ts';

export interface CredentialPlace {
  /** `~/…` or absolute. The last segment may hold `*`. */
  readonly path: string;
  /** Entries of a hidden folder that stay visible. */
  readonly except?: readonly string[];
  /** Only when commands run as root. */
  readonly for?: 'root';
  readonly why: string;
}

export function parseCredentials(text: string): CredentialPlace[] {
  const errors: ParseError[] = [];
  const data = parse(text, errors, { allowTrailingComma: true }) as { places?: CredentialPlace[] } | undefined;
  if (errors.length > 0 || !Array.isArray(data?.places)) throw new Error('policies/credentials.jsonc cannot be read');
  for (const place of data.places) {
    if (!/^~?\//.test(place.path)) throw new Error(`policies/credentials.jsonc: \`${place.path}\` is not absolute`);
  }
  return data.places;
}

let loaded: readonly CredentialPlace[] | undefined;

export function loadCredentials(): readonly CredentialPlace[] {
  loaded ??= parseCredentials(readFileSync(path.join(findPackageRoot(), 'policies', 'credentials.jsonc'), 'utf8'));
  return loaded;
}

export interface HiddenPlace {
  readonly path: string;
  readonly except: readonly string[];
  readonly why: string;
  /** A place of sbx itself, which nothing shows. */
  readonly isOwn?: boolean;
}

/**
 * Places for one account, as absolute patterns.
 * @param alsoHidden absolute paths of sbx itself.
 */
export function listHiddenPlaces(
  places: readonly CredentialPlace[],
  home: string,
  asRoot: boolean,
  alsoHidden: readonly string[] = [],
): HiddenPlace[] {
  return [
    ...places
      .filter((place) => place.for !== 'root' || asRoot)
      .map((place) => ({
        path: place.path.startsWith('~/') ? path.join(home, place.path.slice(2)) : place.path,
        except: place.except ?? [],
        why: place.why,
      })),
    ...alsoHidden.map((hidden) => ({
      path: path.normalize(hidden),
      except: [],
      why: 'what sbx keeps for itself',
      isOwn: true,
    })),
  ];
}

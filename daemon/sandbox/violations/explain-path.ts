/** What a session's plan makes of one path. Pure: the plan alone tells, nothing is looked up. */
import path from 'node:path';
import type { SessionPlan } from '../plan/plan.ts';
import { isWithin } from '../plan/within.ts';

export type PathState =
  | { readonly state: 'writable' }
  | { readonly state: 'read-only' }
  /** `folder` is the session's own, so what the host has there is not seen. */
  | { readonly state: 'own'; readonly folder: string }
  /** `pin` is the read-only path inside a writable place. */
  | { readonly state: 'pinned'; readonly pin: string }
  /** `isPresent`: the host had something there when the plan was made. */
  | { readonly state: 'hidden'; readonly place: string; readonly isPresent: boolean }
  /** In a folder that is hidden as a whole: nothing is there, and nothing can be made there. */
  | { readonly state: 'emptied'; readonly place: string }
  /** Of the kernel: most of it cannot be written, and of `/dev` only a few devices are there. */
  | { readonly state: 'kernel' };

interface Place {
  readonly folder: string;
  readonly state: PathState;
}

/** @param candidate absolute, links resolved as far as it exists. */
export function explainPath(plan: SessionPlan, candidate: string): PathState {
  const absolute = path.posix.normalize(candidate).replace(/^\/var\/run(?=\/|$)/u, '/run');
  const [innermost] = listPlaces(plan)
    .filter(({ folder }) => isWithin(folder, absolute))
    .sort((a, b) => b.folder.length - a.folder.length);
  return innermost?.state ?? { state: 'read-only' };
}

/** Everything that stands out against a read-only file system; of places at one path the first holds. */
function listPlaces(plan: SessionPlan): Place[] {
  return [
    ...plan.masks.flatMap(({ path: place, except }): Place[] => [
      ...except.map(([name]): Place => ({ folder: path.join(place, name), state: { state: 'read-only' } })),
      hide(place, true),
    ]),
    ...plan.overlays.flatMap((overlay): Place[] => [
      ...overlay.exceptions.map(
        (name): Place => ({ folder: path.join(overlay.path, name), state: { state: 'read-only' } }),
      ),
      ...overlay.topFiles
        .filter((name) => !overlay.exceptions.includes(name))
        .map((name) => hide(path.join(overlay.path, name), true)),
      ...overlay.whiteouts.map((name) =>
        hide(
          path.join(overlay.path, name),
          overlay.topFolders.some(([folder]) => folder === name),
        ),
      ),
    ]),
    ...[...plan.pins, ...plan.gitFolders].map((pin): Place => ({ folder: pin, state: { state: 'pinned', pin } })),
    ...[...plan.writable, ...(plan.caches?.places ?? [])].map(
      ({ target }): Place => ({ folder: target, state: { state: 'writable' } }),
    ),
    ...[...plan.freshFolders, '/run'].map((folder): Place => ({ folder, state: { state: 'own', folder } })),
    ...['/proc', '/sys', '/dev'].map((folder): Place => ({ folder, state: { state: 'kernel' } })),
    ...plan.overlays.map(
      ({ emptied, path: folder }): Place => ({
        folder,
        state: emptied === true ? { state: 'emptied', place: folder } : { state: 'read-only' },
      }),
    ),
  ];
}

function hide(place: string, isPresent: boolean): Place {
  return { folder: place, state: { state: 'hidden', place, isPresent } };
}

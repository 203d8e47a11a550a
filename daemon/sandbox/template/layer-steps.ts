/** The layers that hidden places consist of, as steps of the setup script: what stands in them, and what they take out of sight. */
import path from 'node:path';
import type { OverlayPlace } from '../plan/overlays.ts';
import type { Mask } from '../plan/plan.ts';
import { emptyFile, emptyFolder, layerOf, making, maskLayer } from './places.ts';
import { withCount } from './setup-script.ts';

/** Folders of all layers in one step, then their files, whiteouts and permission bits. */
export function compileLayers(
  overlays: readonly OverlayPlace[],
  partMasks: readonly Mask[],
  mountPoints: readonly string[],
): string[] {
  const inMasks = partMasks.flatMap(({ except }, index) =>
    except.map(([name, kind]) => [path.join(maskLayer(index), name), kind] as const),
  );
  const folders = overlays.flatMap((place, index) => [
    [`${layerOf(index)}/top`, place.mode] as const,
    [`${layerOf(index)}/hide`, place.mode] as const,
    ...place.topFolders.map(([name, mode]) => [`${layerOf(index)}/top/${name}`, mode] as const),
    ...place.hideFolders.map(([name, mode]) => [`${layerOf(index)}/hide/${name}`, mode] as const),
  ]);
  const hidden = overlays.flatMap(({ whiteouts }, index) => whiteouts.map((name) => `${index}/hide/${name}`));
  return [
    ...withCount('folders', [
      emptyFolder,
      ...mountPoints,
      ...inMasks.map(([place, kind]) => (kind === 'folder' ? place : path.dirname(place))),
      ...folders.map(([folder]) => folder),
      ...(hidden.length === 0 ? [] : [making.work, making.view]),
      ...hidden.map((place) => `${making.names}/${place}`),
    ]),
    ...['file', emptyFile],
    ...inMasks.flatMap(([place, kind]) => (kind === 'file' ? ['file', place] : [])),
    ...overlays.flatMap((place, index) => [
      ...place.topFiles.flatMap((name) => ['file', `${layerOf(index)}/top/${name}`]),
      ...(place.topLinks ?? []).flatMap(([name, target]) => ['link', target, `${layerOf(index)}/top/${name}`]),
    ]),
    ...withCount(
      'hide',
      hidden.map((place) => `${making.view}/${place}`),
    ),
    ...compileModes(folders),
  ];
}

/** Last, because a folder without write permission could not be filled. */
function compileModes(folders: readonly (readonly [folder: string, mode: number])[]): string[] {
  const byMode = new Map<number, string[]>();
  for (const [folder, mode] of folders) {
    if (mode !== 0o755) byMode.set(mode, [...(byMode.get(mode) ?? []), folder]);
  }
  return [...byMode].flatMap(([mode, places]) => [
    'mode',
    mode.toString(8).padStart(4, '0'),
    String(places.length),
    ...places,
  ]);
}

/** The forms that rules see, and the places that paths resolve to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layers } from '../../cases/analyse-layers.ts';
import { places } from '../../cases/analyse-places.ts';
import { analyseText } from './workbench.ts';

test('layers, outermost first', () => {
  const seen = Object.fromEntries(
    Object.keys(layers).map((text) => [
      text,
      analyseText(text)
        .commands.at(-1)
        ?.layers.map((layer) => (layer.grants ? '+' : '-') + layer.text),
    ]),
  );
  assert.deepEqual(seen, layers);
});

test('places after cd and assignments', () => {
  const seen = Object.fromEntries(
    Object.keys(places).map((text) => {
      const effects = analyseText(text).commands.at(-1)?.effects ?? [];
      const paths = effects.flatMap((effect) => (effect.kind === 'write' ? [effect.target.path ?? '?'] : []));
      return [text, paths.join(' ')];
    }),
  );
  assert.deepEqual(seen, places);
});

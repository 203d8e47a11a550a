/** The documents lead where they say: links, headings, files that are named, the folders of the map. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { findPackageRoot } from '../../daemon/platform/package-root.ts';

const root = findPackageRoot();
const ours = ['client', 'daemon', 'policies', 'scripts', 'test'];

const filesBelow = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`);

const documents = [...readdirSync(root), ...ours.flatMap(filesBelow)].filter((name) => name.endsWith('.md'));

const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

/** Without blocks of code, whose brackets are no links. */
const prose = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```$/gm, '');

const linksIn = (text: string): string[] =>
  [
    ...prose(text)
      .replace(/`[^`]*`/g, (code) => code.replaceAll(']', ' '))
      .matchAll(/\]\(([^)\s]+)\)/g),
  ].map(([, target = '']) => target);

/** As GitHub makes them: lower case, no punctuation, a hyphen for each space. */
const headingsIn = (text: string): string[] =>
  [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );

/** Paths in backticks that begin with a folder of ours, or with one beside the document. */
const pathsIn = (text: string): string[] =>
  [...prose(text).matchAll(/`([\w./-]+\/[\w./-]*)`/g)].map(([, name = '']) => name);

test('links and headings are read as a reader sees them', () => {
  const text = '# A `b`: c’s\n[x](y.md#z) [`a]`](q)\n```\n[no](no)\n# no\n```\n`daemon/x.ts` `a b/c`';
  assert.deepEqual(linksIn(text), ['y.md#z', 'q']);
  assert.deepEqual(headingsIn(text), ['a-b-cs']);
  assert.deepEqual(pathsIn(text), ['daemon/x.ts']);
});

test('every link leads to a file, and to a heading in it', () => {
  const links = documents.flatMap((document) => linksIn(read(document)).map((link) => ({ document, link })));
  const wrong = links.filter(({ document, link }) => {
    if (/^https?:/.test(link)) return false;
    const [file = '', heading] = link.split('#');
    const target = file === '' ? document : path.join(path.dirname(document), file);
    if (!existsSync(path.join(root, target))) return true;
    return heading !== undefined && !headingsIn(read(target)).includes(heading);
  });
  assert.deepEqual(wrong, []);
  assert.ok(links.length > 100, `${links.length} links`);
});

test('every file of ours that a document names is there', () => {
  const named = documents.flatMap((document) =>
    pathsIn(read(document))
      .filter((name) => ours.includes(name.split('/')[0] ?? ''))
      .map((name) => ({ document, name })),
  );
  assert.deepEqual(
    named.filter(({ name }) => !existsSync(path.join(root, name))),
    [],
  );
  assert.ok(named.length > 30, `${named.length} paths`);
});

test('a file that a document names without its folder is in the folder of the document, or below', () => {
  const named = documents.flatMap((document) =>
    [...prose(read(document)).matchAll(/`([\w-]+(?:\.test)?\.(?:ts|mjs|jsonc))`/g)].map(([, name = '']) => ({
      document,
      name,
    })),
  );
  assert.deepEqual(
    named.filter(({ document, name }) => {
      const folder = path.dirname(document);
      const inside = folder === '.' ? ours : [folder];
      return !inside.some((each) => filesBelow(each).some((file) => path.basename(file) === name));
    }),
    [],
  );
  assert.ok(named.length > 30, `${named.length} files`);
});

test('the README of a stage that lists its files lists all of them', () => {
  for (const folder of ['daemon/egress', 'daemon/stream']) {
    const listed = [...read(`${folder}/README.md`).matchAll(/`([\w*-]+\.ts)`/g)].map(
      ([, name = '']) => new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '.*')}$`),
    );
    assert.deepEqual(
      readdirSync(path.join(root, folder)).filter(
        (name) => name.endsWith('.ts') && !listed.some((pattern) => pattern.test(name)),
      ),
      [],
      folder,
    );
  }
});

test('the map shows every folder of the daemon, of its sandbox and of the client, and none that is gone', () => {
  const map = /^client\/ [\s\S]*?^```/m.exec(read('ARCHITECTURE.md'))?.[0] ?? '';
  const shown = new Set<string>();
  let parents: string[] = [];
  for (const line of map.split('\n')) {
    const [, indent = '', names] = /^( *)((?:[\w-]+\/ ?)+)/.exec(line) ?? [];
    if (names === undefined) continue;
    parents = parents.slice(0, indent.length / 2);
    for (const name of names.trim().split(' ')) shown.add([...parents, name].join(''));
    parents.push(names.trim().split(' ')[0] ?? '');
  }
  const there = ['client', 'daemon', 'daemon/sandbox'].flatMap((folder) =>
    readdirSync(path.join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${folder}/${entry.name}/`),
  );
  assert.deepEqual(
    there.filter((folder) => !shown.has(folder)),
    [],
  );
  assert.deepEqual(
    [...shown].filter((folder) => !existsSync(path.join(root, folder))),
    [],
  );
});

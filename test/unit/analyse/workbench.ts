/** What every test of this stage starts from: the real parser, the real catalogue, and facts of an invented machine. */
import { analyse } from '../../../daemon/analyse/analyse.ts';
import type { Catalogue } from '../../../daemon/analyse/compile-catalogue.ts';
import type { Analysis, Facts, PathFact } from '../../../daemon/analyse/model.ts';
import { type BashParser, createParser } from '../../../daemon/parse/parser.ts';
import { loadCatalogue } from '../../../daemon/platform/catalogue-files.ts';
import { loadGrammarFiles } from '../../../daemon/platform/grammar.ts';

export const parser: BashParser = await createParser(await loadGrammarFiles());
export const catalogue: Catalogue = loadCatalogue();

const directory = (resolved: string, repository: string | undefined): PathFact => ({
  kind: 'directory',
  resolved,
  repository,
});

export const facts: Facts = {
  home: '/home/dev',
  workspace: '/work/app',
  cwd: '/work/app',
  additionalDirectories: ['/work/shared'],
  temporaryDirectories: ['/tmp'],
  paths: new Map<string, PathFact>([
    ['/work/app', directory('/work/app', '/work/app')],
    ['/work/app/src', directory('/work/app/src', '/work/app')],
    ['/work/app/packages/api', directory('/work/app/packages/api', '/work/app')],
    ['/work/app/vendor/lib', directory('/work/app/vendor/lib', '/work/app/vendor/lib')],
    ['/work/app/link', { kind: 'link', resolved: '/home/dev/.ssh/id', repository: undefined }],
  ]),
};

export function analyseText(text: string, over: Partial<Facts> = {}): Analysis {
  return analyse(parser.parse(text), { ...facts, ...over }, catalogue, (inner) => parser.parse(inner));
}

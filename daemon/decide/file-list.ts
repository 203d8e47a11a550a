/**
 * The lists of paths for the sandbox in a policy, `sandbox.filesystem` and `sandbox.unprotect`: patterns as path rules have
 * them, each with its place. What no mount could hold is a mistake here, with a remedy, and never ignored.
 */
import type { Node } from 'jsonc-parser';
import type { Origin } from '../../client/protocol/decision.ts';
import { type PathPattern, parsePathPattern } from './path-pattern.ts';
import type { PolicyDocument } from './policy-document.ts';
import { quoteText } from './quote-text.ts';

export const fileLists = ['denyRead', 'allowRead', 'denyWrite', 'allowWrite', 'unprotect'] as const;
export type FileList = (typeof fileLists)[number];

export interface FileEntry {
  readonly list: FileList;
  /** As written. */
  readonly text: string;
  readonly pattern: PathPattern;
  readonly origin: Origin;
}

/** Whether an entry takes something away, so that it holds from every layer at once. */
export function restricts({ list }: Pick<FileEntry, 'list'>): boolean {
  return list === 'denyRead' || list === 'denyWrite';
}

function pathOf(list: FileList): readonly string[] {
  return list === 'unprotect' ? ['sandbox', list] : ['sandbox', 'filesystem', list];
}

export function readFileLists(document: PolicyDocument): readonly FileEntry[] {
  return fileLists.flatMap((list) =>
    document
      .membersAt(pathOf(list))
      .flatMap((array) => (array.type === 'array' ? (array.children ?? []) : []))
      .flatMap((node) => readEntry(document, node, list)),
  );
}

function readEntry(document: PolicyDocument, node: Node, list: FileList): readonly FileEntry[] {
  const text: unknown = node.value;
  if (node.type !== 'string' || typeof text !== 'string' || text === '') return [];
  const pattern = parsePathPattern(text, document.source.anchor);
  if (typeof pattern === 'string') {
    document.problem(
      node.offset,
      `${quoteText(text)}: ${pattern}`,
      'write it as in .gitignore, or from the root, `//etc/x`',
    );
    return [];
  }
  const objection = findObjection(pattern, list);
  if (objection !== undefined) document.problem(node.offset, `${quoteText(text)} ${objection.message}`, objection.help);
  // What is denied stays denied as far as it can be.
  if (objection !== undefined && !restricts({ list })) return [];
  return [{ list, text, pattern, origin: document.origin(node.offset) }];
}

/** Why no sandbox can hold the entry. */
export function findObjection(pattern: PathPattern, list: FileList): { message: string; help: string } | undefined {
  const { base, fixed } = pattern;
  if (list === 'unprotect') return undefined;
  const isFolder = /(^|\/)(\*\*)?$/.test(pattern.text);
  if (isAnyDepth(pattern) && (base === 'root' || base === 'home') && fixed === '') {
    const where = base === 'root' ? 'the machine' : 'the home';
    return {
      message: `would have to look at every file of ${where}`,
      help: `name the folder in which to look, ${quoteText(base === 'root' ? '//srv/data/**/NAME' : '~/data/**/NAME')}`,
    };
  }
  if (list !== 'allowWrite') return undefined;
  if (pattern.text.includes('**/')) {
    return {
      message: 'would have to make files writable that do not exist yet',
      help: 'name the folder that is to be writable',
    };
  }
  const lastSegment = pattern.text.split('/').at(-1) ?? '';
  if (!isFolder && /[*?[]/.test(lastSegment.replace(/\\./g, ''))) {
    return {
      message: 'would have to tell by their names which new files may be made',
      help: `name the folder, or end it with \`/\` where folders are meant: ${quoteText(`${pattern.text}/`)}`,
    };
  }
  return undefined;
}

/** Matches may lie at any depth, so that a whole tree has to be looked at. */
export function isAnyDepth({ text, fixed }: PathPattern): boolean {
  return fixed === undefined || /(^|\/)\*\*\//.test(text);
}

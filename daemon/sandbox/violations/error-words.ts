/**
 * How programs print the few kernel errors that a sandbox causes: the C library's sentence in whatever case, the
 * constant's name, its number as languages print it, and exceptions named after it. Data; read by read-errors.ts.
 *
 * Sources: errno(3), the message catalogues of glibc, and the error texts of Node, Rust, Python, Java and .NET.
 */

/** `unwritable`: the program says that it could not write, but not the kernel's reason. */
export type ErrorKind = 'read-only' | 'denied' | 'missing' | 'busy' | 'unwritable';

interface ErrorWords {
  readonly kind: ErrorKind;
  readonly name: string;
  readonly number: number;
  /** Of the C library, in lower case. Translations too: commands get the caller's language. */
  readonly sentences: readonly string[];
  readonly exceptions: readonly string[];
}

const words: readonly ErrorWords[] = [
  {
    kind: 'read-only',
    name: 'EROFS',
    number: 30,
    sentences: [
      'read-only file system',
      'read-only filesystem',
      'das dateisystem ist nur lesbar',
      'système de fichiers accessible en lecture seulement',
      'sistema de ficheros de sólo lectura',
      'sistema de archivos de solo lectura',
      'file system in sola lettura',
      'sistema de arquivos somente para leitura',
      'файловая система доступна только для чтения',
      '読み込み専用ファイルシステムです',
      '只读文件系统',
    ],
    exceptions: ['ReadOnlyFileSystemException', 'ReadOnlyFilesystem'],
  },
  {
    kind: 'denied',
    name: 'EACCES',
    number: 13,
    sentences: [
      'permission denied',
      'keine berechtigung',
      'permission non accordée',
      'permiso denegado',
      'permesso negato',
      'permissão negada',
      'отказано в доступе',
      '許可がありません',
      '权限不够',
    ],
    exceptions: ['AccessDeniedException', 'UnauthorizedAccessException', 'PermissionDenied'],
  },
  {
    kind: 'missing',
    name: 'ENOENT',
    number: 2,
    sentences: [
      'no such file or directory',
      'datei oder verzeichnis nicht gefunden',
      'aucun fichier ou dossier de ce type',
      'aucun fichier ou dossier de ce nom',
      'no existe el archivo o el directorio',
      'no existe el fichero o el directorio',
      'file o directory non esistente',
      'arquivo ou diretório inexistente',
      'нет такого файла или каталога',
      'そのようなファイルやディレクトリはありません',
      '没有那个文件或目录',
    ],
    exceptions: ['NoSuchFileException', 'FileNotFoundException', 'DirectoryNotFoundException'],
  },
  {
    kind: 'busy',
    name: 'EBUSY',
    number: 16,
    sentences: ['device or resource busy', 'resource busy or locked', 'das gerät oder die ressource ist belegt'],
    exceptions: ['ResourceBusy'],
  },
];

const failing = "(?:could not|couldn't|cannot|can't|can not|unable to|failed to)";
const saysUnwritable = [
  String.raw`${failing} (?:\(re\))?(?:create|write|make|save|open \S+ for writing)\b`,
  String.raw`\b(?:not|isn't) writable\b`,
  String.raw`\berror writing to\b`,
  'could not be (?:created|written|opened for writing)',
  "(?:can't|cannot) open file for writing",
  'unable to open database',
];

/** Reasons of the kernel that no sandbox of ours gives for a file. */
export const otherReasons =
  /file exists|not a directory|is a directory|no space left|directory not empty|file name too long|too many (?:open files|levels)|invalid argument|input\/output error|disk quota|text file busy|operation not permitted|connection refused|bad file descriptor|file too large|timed out|\bE(?:EXIST|NOTDIR|ISDIR|NOSPC|NOTEMPTY|NAMETOOLONG|MFILE|INVAL|IO|PERM)\b/iu;

function spell({ name, number, sentences, exceptions }: ErrorWords): RegExp {
  const spellings = [
    ...sentences.map((sentence) => sentence.replaceAll('-', '[- ]')),
    String.raw`(?<![\p{L}\p{N}_])${name}(?![\p{L}\p{N}_])`,
    String.raw`os error ${number}(?!\d)`,
    String.raw`\[errno ${number}\]`,
    String.raw`errno:? -?${number}(?!\d)`,
    ...exceptions,
  ];
  return new RegExp(spellings.join('|'), 'iu');
}

/** In this order: a line that gives the kernel's reason is not read as one that gives none. */
export const errorPatterns: readonly { readonly kind: ErrorKind; readonly pattern: RegExp }[] = [
  ...words.map((entry) => ({ kind: entry.kind, pattern: spell(entry) })),
  { kind: 'unwritable', pattern: new RegExp(saysUnwritable.join('|'), 'iu') },
];

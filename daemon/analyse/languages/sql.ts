/**
 * Reads SQL, and the commands of database shells, far enough to see whether a text only asks: SELECT, EXPLAIN, SHOW and their
 * like, without a clause that writes and without a function that is not known to compute only. Anything else is danger.
 * Source: PostgreSQL "SQL Syntax", "psql"; SQLite "Command Line Shell", "PRAGMA"; MySQL "SELECT", "mysql Client Commands".
 */
import type { Arg } from '../args.ts';
import { dangerousText, harmlessText, type ProgramText } from './program-text.ts';

const asking = new Set(['select', 'with', 'explain', 'show', 'describe', 'desc', 'values', 'table', 'pragma']);

/** Words that write, lock or run when they stand outside of strings and quoted names. */
const changing = new Set(
  (
    'into insert update delete merge replace create drop alter truncate copy call do load attach detach grant revoke set reset ' +
    'vacuum execute prepare lock outfile dumpfile handler import install export refresh reindex cluster notify listen returning'
  ).split(' '),
);

/** Words that a bracket may follow without making them a function. */
const syntax = new Set(
  (
    'in exists any all some as over filter and or not where from join on using select distinct values when then else case by ' +
    'between like ilike union intersect except having limit offset group order partition with recursive materialized within is ' +
    'explain key array row lateral only cross inner left right full outer natural verbose analyze costs buffers format'
  ).split(' '),
);

/** Functions that only compute. A function that is not listed may be anybody's. */
const computing = new Set(
  (
    'count sum avg min max total coalesce nullif ifnull iif if lower upper initcap length char_length octet_length trim ltrim ' +
    'rtrim btrim substr substring left right replace concat concat_ws group_concat string_agg array_agg json_agg jsonb_agg ' +
    'json_object json_array json_extract json_each json_array_length jsonb_array_length json_build_object jsonb_build_object ' +
    'jsonb_array_elements json_array_elements jsonb_object_keys jsonb_pretty to_json to_jsonb row_to_json round floor ceil ' +
    'ceiling abs mod power sqrt sign greatest least now current_date current_timestamp date time datetime julianday strftime ' +
    'unixepoch date_trunc date_part date_format date_add date_sub datediff to_char to_date to_number to_timestamp extract age ' +
    'make_interval interval cast convert typeof pg_typeof format position instr strpos split_part regexp_replace ' +
    'regexp_match regexp_matches regexp_like unnest array_length array_to_string cardinality generate_series row_number rank ' +
    'dense_rank percent_rank ntile lag lead first_value last_value nth_value percentile_cont percentile_disc stddev variance ' +
    'bool_and bool_or every md5 hex quote random version current_database current_schema database schema user current_user ' +
    'pg_size_pretty pg_total_relation_size pg_relation_size pg_table_size pg_indexes_size pg_database_size pg_get_indexdef ' +
    'pg_get_constraintdef pg_get_viewdef to_regclass obj_description col_description sqlite_version last_insert_rowid changes ' +
    'table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list varchar char numeric decimal ' +
    'integer int bigint smallint text timestamp float double real boolean'
  ).split(' '),
);

/** Pragmas that only tell something when they are given no value. */
const pragmas = new Set(
  (
    'table_info table_xinfo table_list index_list index_info index_xinfo foreign_key_list database_list collation_list ' +
    'function_list integrity_check quick_check foreign_key_check user_version schema_version encoding page_count page_size ' +
    'journal_mode freelist_count compile_options application_id'
  ).split(' '),
);

/** Commands of the shells around SQL that only show something. */
const showing =
  /^(?:\\(?:d[a-zA-Z]*\+?|l\+?|z|x|timing|conninfo|encoding|sf\+?|sv\+?|pset|a|t|\?|h)|\.(?:tables|schema|fullschema|indexes|indices|databases|mode|headers?|dbinfo|dump|show|width|separator|nullvalue|timer|stats|eqp|help))(?:\s[^|`\\]*)?$/;

/** Commands that run a shell command: it is the rest of the line. */
const running =
  /^(?:\\!|\.(?:shell|system)\b|system\b|!|(?:\\|\.)\w+\+?\s+\|)\s*([\s\S]*?)$|^(?:\\|\.)\w+\+?\s+(["'])\|\s*([\s\S]*?)\2/i;

/** `\\copy … to program 'x'` and the statement of that name. */
const program = /\bprogram\s+'((?:[^']|'')*)'/i;

/** Commands and functions that read the file they name. */
const reading =
  /^(?:\\ir?\s+|\\include(?:_relative)?\s+|\.(?:read|import)\s+(?:-\S+\s+)*|source\s+|\\\.\s+)["']?([^\s"'|][^\s"']*)|\b(?:readfile|pg_read_file|load_file)\s*\(\s*'([^']*)'|\binfile\s+'([^']*)'|\bcopy\b[^;]*\bfrom\s+'([^']*)'/gi;

export function readSql(arg: Arg): ProgramText {
  if (arg.text === undefined) return dangerousText('is not known, and SQL can write and run programs');
  const statements = splitStatements(arg.text);
  if (statements === undefined) return dangerousText('cannot be read to its end');
  const shell: string[] = [];
  const reads: string[] = [];
  let danger: string | undefined;
  for (const statement of statements) {
    const source = statement.source.trim();
    const ran = running.exec(source);
    const command = ran?.[1] ?? ran?.[3] ?? program.exec(source)?.[1]?.replaceAll("''", "'");
    for (const match of source.matchAll(reading)) {
      const path = match.slice(1).find((one) => one !== undefined);
      if (path !== undefined && path !== '') reads.push(path);
    }
    if (command !== undefined) {
      shell.push(command);
      danger = 'runs a shell command';
    } else danger ??= judgeStatement(statement);
  }
  if (danger === undefined) return harmlessText;
  return dangerousText(danger, { shell, reads, runs: true });
}

interface SqlStatement {
  readonly source: string;
  /** Words in lower case, quoted names as `"`, strings as `'`, other characters one by one. */
  readonly tokens: readonly string[];
}

const tokenPattern =
  /\s+|--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|"(?:[^"]|"")*"|`[^`]*`|[A-Za-z_]\w*|\d[\w.]*|[\s\S]/gy;

/** Undefined for an open quote or comment, and for comments and escapes that MySQL reads otherwise than the standard. */
function splitStatements(text: string): readonly SqlStatement[] | undefined {
  if (/\/\*[!+]|\/\*(?:(?!\*\/)[\s\S])*\/\*|\\'/.test(text)) return undefined;
  const statements: SqlStatement[] = [];
  let tokens: string[] = [];
  let start = 0;
  let at = 0;
  tokenPattern.lastIndex = 0;
  const finish = (end: number): void => {
    if (tokens.length > 0) statements.push({ source: text.slice(start, end), tokens });
    tokens = [];
    start = end + 1;
  };
  for (let match = tokenPattern.exec(text); match !== null && at < text.length; match = tokenPattern.exec(text)) {
    const [token] = match;
    at = tokenPattern.lastIndex;
    if (token === ';') finish(at - 1);
    else if (token === "'" || token === '"' || token === '`' || (token === '/' && text[at] === '*')) return undefined;
    else if (/^\s|^--|^\/\*/.test(token)) {
      // A line that begins with a dot or backslash is a command of the shell: it ends with its line.
      if (token.includes('\n') && /^[.\\]/.test(tokens[0] ?? '')) finish(at - 1);
    } else if (/^[eE]?'|^\$\w*\$/.test(token)) tokens.push("'");
    else if (/^["`]/.test(token)) tokens.push('"');
    else tokens.push(token.toLowerCase());
  }
  finish(text.length);
  return statements;
}

function judgeStatement({ source, tokens }: SqlStatement): string | undefined {
  const first = tokens[0] ?? '';
  if (first === '\\' || first === '.')
    return showing.test(source.trim()) ? undefined : 'is a command of the database shell';
  if (!asking.has(first)) return 'is more than a query';
  if (first === 'pragma' && (!pragmas.has(tokens[1] ?? '') || tokens.includes('='))) return 'sets a pragma';
  for (const [index, token] of tokens.entries()) {
    if (changing.has(token) && tokens[index + 1] !== '(' && tokens[index - 1] !== '.' && first !== 'show')
      return `holds \`${token.toUpperCase()}\``;
    if (token === '\\') return 'holds a command of the database shell';
    if (token !== '(' || index === 0) continue;
    const name = tokens[index - 1] ?? '';
    if (name === '"') return 'calls a function that is not known';
    if (!/^[a-z_]/.test(name) || syntax.has(name)) continue;
    const foreign = tokens[index - 2] === '.' && tokens[index - 3] !== 'pg_catalog';
    // `with x (a, b) as`, `from t (…)`: a name that is defined there.
    const defines =
      tokens[index - 2] === 'with' || tokens[index - 2] === ','
        ? first === 'with' && isDefinition(tokens, index)
        : false;
    if (!defines && (foreign || !computing.has(name))) return `calls \`${name}\`, which may write or run programs`;
  }
  return undefined;
}

/** Whether the bracket at the index is a list of names that `AS` follows. */
function isDefinition(tokens: readonly string[], index: number): boolean {
  let at = index + 1;
  while (at < tokens.length && /^(?:[a-z_]\w*|,|")$/.test(tokens[at] ?? '')) at += 1;
  return tokens[at] === ')' && tokens[at + 1] === 'as';
}

const deleting = new Set(['delete', 'drop', 'truncate']);

/** Whether some statement takes away what is stored; a text that cannot be read is not said to. */
export function deletesRows(text: string): boolean {
  return (splitStatements(text) ?? []).some(({ tokens }) => tokens.some((token) => deleting.has(token)));
}

/** What an assignment to a variable that reaches programs can do (RULES O19, N1). */
import type { VariablesFile } from './catalogue.ts';

export interface Variables {
  readonly harmless: (name: string, value: string | undefined) => boolean;
  /** Why changing it matters, or undefined for an ordinary name. */
  readonly danger: (name: string, value: string | undefined) => string | undefined;
  /** The shell texts that programs make of the value. */
  readonly commands: (name: string, value: string) => readonly string[];
  /** Whether the value says where connections go. */
  readonly namesHost: (name: string) => boolean;
  readonly numbers: ReadonlySet<string>;
  /** Have the integer attribute from the start: what they are given is evaluated. */
  readonly integers: ReadonlySet<string>;
}

export function compileVariables(data: VariablesFile): Variables {
  const harmlessNames = compileNames(data.harmless);
  const values = new Map(
    Object.entries(data.harmlessValues).flatMap(([names, list]) =>
      names.split(' ').map((name) => [name, new Set(list)]),
    ),
  );
  const dangerous = Object.entries(data.dangerous).flatMap(([names, because]) => {
    const matches = compileNames(names.split(' '));
    return [{ matches, because }];
  });
  const commands = Object.entries(data.commands).map(([names, templates]) => ({
    matches: compileNames(names.split(' ')),
    templates: typeof templates === 'string' ? [templates] : templates,
  }));
  const harmless = (name: string, value: string | undefined): boolean =>
    harmlessNames(name) || (value !== undefined && values.get(name)?.has(value) === true);
  return {
    harmless,
    danger: (name, value) =>
      harmless(name, value) ? undefined : dangerous.find((entry) => entry.matches(name))?.because,
    commands: (name, value) => {
      const templates = commands.find((entry) => entry.matches(name))?.templates ?? [];
      // `LESSOPEN='|-cmd %s'` and `!cmd` mark that a shell runs it.
      const text = value.replace(/^\s*(?:[|!]{1,2}-?)?\s*/, '');
      return templates.map((template) =>
        template.includes("'{}'")
          ? template.replace("'{}'", () => `'${text.replaceAll("'", "'\\''")}'`)
          : template.replace('{}', () => text),
      );
    },
    namesHost: compileNames(data.hosts),
    numbers: new Set(data.numbers),
    integers: new Set(data.integers),
  };
}

function compileNames(names: readonly string[]): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.includes('*')));
  const patterns = names
    .filter((name) => name.includes('*'))
    .map(
      (name) =>
        new RegExp(
          `^${name
            .split('*')
            .map((part) => part.replace(/\W/g, '\\$&'))
            .join('.*')}$`,
        ),
    );
  return (name) => exact.has(name) || patterns.some((pattern) => pattern.test(name));
}

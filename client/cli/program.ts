/** A command that commander defines, with its help in the form of the pages written by hand: one form for all of sbx. */
import { type Argument, Command, type Help, type Option } from 'commander';

/** Complaints are thrown, and help is printed as `formatHelp` says, for it and all of its subcommands. */
export function createProgram(): Command {
  return new Command('sbx')
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ formatHelp });
}

function formatHelp(command: Command, helper: Help): string {
  const subcommands = helper.visibleCommands(command).filter((each) => each.name() !== 'help');
  const options = helper.visibleOptions(command).filter((option) => option.long !== '--help');
  const described = helper.visibleArguments(command).filter((argument) => argument.description !== '');
  const own = subcommands.length === 0 || options.length > 0 ? [command] : [];
  const usages = [...own, ...subcommands].map((each) => showUsage(each, helper));
  const tables = [
    described.map((argument) => [showArgument(argument), describeArgument(argument)] as const),
    options.map((option) => [showFlags(option), describeOption(option)] as const),
    subcommands.map((each) => [each.name(), each.description()] as const),
  ];
  const width = Math.max(...tables.flat().map(([name]) => name.length));
  return [
    usages.map((usage, index) => `${index === 0 ? 'usage:' : '      '} ${usage}\n`).join(''),
    `${asSentence(command.description())}\n`,
    ...tables
      .filter((rows) => rows.length > 0)
      .map((rows) => rows.map(([name, what]) => `  ${name.padEnd(width)}  ${what}\n`).join('')),
  ].join('\n');
}

function showUsage(command: Command, helper: Help): string {
  const names: string[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) names.unshift(each.name());
  const hasOptions = helper.visibleOptions(command).some((option) => option.long !== '--help');
  const shown = command.registeredArguments.map((argument) =>
    argument.required ? showArgument(argument) : `[${showArgument(argument)}]`,
  );
  return [...names, ...(hasOptions ? ['[OPTION…]'] : []), ...shown].join(' ');
}

function showArgument(argument: Argument): string {
  return `${argument.name().toUpperCase()}${argument.variadic ? '…' : ''}`;
}

/** `-n, --tail <lines>` becomes `-n, --tail LINES`. */
function showFlags(option: Option): string {
  return option.flags.replace(/<(.*)>/, (_, value: string) => value.toUpperCase());
}

function describeArgument({ defaultValue, description }: Argument): string {
  return withDefault(description, defaultValue);
}

function describeOption({ argChoices, defaultValue, description, negate }: Option): string {
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
  return withDefault(description + choices, negate ? undefined : defaultValue);
}

function withDefault(description: string, value: unknown): string {
  return typeof value === 'string' ? `${description} (default: ${value})` : description;
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

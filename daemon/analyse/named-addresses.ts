/**
 * Addresses among the words of a program that reaches machines which its options do not name, of one that is set to them, or of
 * one that the catalogue does not know: `brew tap a/b https://host/x`, `git config http.proxy https://host`, `lighthouse
 * https://host`. Restrictions on hosts see them.
 */
import type { Instance } from './analyse-command.ts';
import type { Effect } from './model.ts';
import { connectionOf } from './remote-targets.ts';

export function findNamedAddresses(instances: readonly Instance[]): readonly Effect[] {
  return instances.flatMap(({ name, program, reading, interpretation, args, layered }) => {
    const effects = interpretation?.effects ?? [];
    // A package manager that has a registry of its own takes others as well.
    const installs = reading?.program.data.purpose === 'run';
    const changes = installs && reading.program.data.also?.includes('change') === true;
    const reaches =
      changes || effects.some((effect) => effect.kind === 'connect' && (effect.host === undefined || installs));
    const known = program !== undefined || layered.wrappers.length > 0;
    if (name === undefined) return [];
    const set = new Set(reading?.operands.flatMap(({ role, arg }) => (role === 'change' ? [arg] : [])));
    const inner = new Set(interpretation?.commands.flat());
    return args.slice(1).flatMap((arg): readonly Effect[] => {
      // The whole word, or the value of an option or setting: a sentence that speaks of an address is none.
      const address = /^(?:[\w.-]+=)?([a-z][a-z0-9+.-]*:\/\/[^\s/]+\S*)$/i.exec(arg.text ?? '')?.[1];
      if (address === undefined || inner.has(arg) || (known && !reaches && !set.has(arg))) return [];
      const { start, end } = arg.word;
      return [{ kind: 'connect', ...connectionOf(address, false), span: { start, end } }];
    });
  });
}

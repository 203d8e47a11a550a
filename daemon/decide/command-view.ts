/**
 * A command as rules see it, prepared once and asked about by every rule. A grant sees each form that analysis allows it
 * to see, character for character; a restriction sees every layer and inner command in every spelling that means the
 * same: quotes resolved, the program without its folder, paths normalised, absolute and below `~` (RULES O2, O27, O30).
 */
import type { AnalysedCommand, Analysis, Effect, Facts, Layer } from '../analyse/model.ts';
import { anyText } from './glob.ts';
import { type GrantForm, grantForms } from './grant-forms.ts';
import type { TargetView } from './path-match.ts';
import { innerCommands } from './path-shape.ts';
import { viewTargets } from './target-views.ts';
import { type WideForm, wideForms } from './wide-forms.ts';

export interface CommandView {
  readonly command: AnalysedCommand;
  readonly grants: readonly GrantForm[];
  /** Of the command and of everything it runs. */
  readonly wide: readonly WideForm[];
  readonly targets: readonly TargetView[];
  readonly connections: readonly Extract<Effect, { kind: 'connect' }>[];
  /** The name of a program that would run is not known. */
  readonly unknownProgram: boolean;
}

/** The view without what only could be: after one "maybe" a restriction must be certain to add anything. */
export function certainView(view: CommandView): CommandView {
  return {
    ...view,
    wide: view.wide.map((form) => ({ ...form, shape: undefined })),
    // A name that is looked for meets a rule for certain, wherever it is found.
    targets: view.targets.filter(({ shape, listed }) => listed === true || shape?.includes(anyText) !== true),
  };
}

/** @param analysis of the whole text, for what reaches the command from elsewhere in it. */
export function viewCommand(command: AnalysedCommand, facts: Facts, analysis: Analysis): CommandView {
  const all = [command, ...innerCommands(command)];
  return {
    command,
    grants: command.layers.flatMap((layer, index) => (layer.grants ? grantForms(command, layer, index) : [])),
    wide: all.flatMap((each) => wideForms(each, facts)),
    // The effects of a command include those of what it runs.
    targets: viewTargets(command, facts, analysis),
    connections: command.effects.filter((effect) => effect.kind === 'connect'),
    unknownProgram: all.some((each) => each.layers.some(hasUnknownProgram)),
  };
}

function hasUnknownProgram(layer: Layer): boolean {
  return layer.resolved === undefined && layer.words[0] !== undefined && layer.words[0].values?.[0] === undefined;
}

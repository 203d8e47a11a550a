/**
 * A decision as it travels and as every client shows it: the effect, why, and what would change it. A denial is a
 * decision, not an error.
 */
import { z } from 'zod';

export const spanSchema = z.strictObject({ start: z.int().min(0), end: z.int().min(0) });

/** Where a rule was written. `file` is absent for flags and built-in entries; line and column count from 1. */
export const originSchema = z.strictObject({
  layer: z.enum(['managed', 'flags', 'session', 'project-local', 'project', 'user', 'built-in']),
  file: z.string().optional(),
  line: z.int().min(1).optional(),
  column: z.int().min(1).optional(),
});

export const effectSchema = z.enum(['allow', 'ask', 'deny']);

/**
 * One reason. `kind` is stable: `rule` (a rule decided), `read-only`, `auto-allow`, `mode`, `no-rule`, `finding`,
 * `protected-path`, `critical-removal`, `redirect`, `path-rule`, `unparsable`, `policy-error`,
 * `shell` (an interactive shell, whose lines are not decided), `network` (a connection of a command that runs).
 */
export const reasonSchema = z.strictObject({
  kind: z.enum([
    'rule',
    'read-only',
    'assignment',
    'auto-allow',
    'mode',
    'no-rule',
    'finding',
    'protected-path',
    'critical-removal',
    'redirect',
    'path-rule',
    'unparsable',
    'policy-error',
    'shell',
    'network',
  ]),
  effect: effectSchema,
  message: z.string(),
  rule: z.string().optional().describe('The rule as written, for example `Bash(npm test *)`.'),
  origin: originSchema.optional(),
  finding: z.string().optional().describe('Stable id of the finding.'),
  command: z.int().min(0).optional().describe('Index of the simple command.'),
  span: spanSchema.optional(),
  help: z.string().optional().describe('What to change to get another answer.'),
});

export const commandVerdictSchema = z.strictObject({
  text: z.string().describe('Source text of the simple command.'),
  span: spanSchema,
  effect: effectSchema,
  description: z.string(),
  reasons: z.array(reasonSchema),
});

/** Rules that, added together as allow rules, would make this very command run; proven before it is offered. */
export const suggestionSchema = z.strictObject({ rules: z.array(z.string()).min(1).max(5) });

export const decisionSchema = z.strictObject({
  effect: effectSchema,
  reasons: z.array(reasonSchema).min(1).describe('Deciding reasons first. Never empty.'),
  commands: z.array(commandVerdictSchema),
  suggestions: z.array(suggestionSchema),
  description: z.string(),
  risk: z.strictObject({ level: z.enum(['low', 'medium', 'high']), why: z.string() }),
  notes: z
    .array(z.string())
    .describe('Remarks that do not change the effect: ignored rules, unknown tools, policy errors.'),
});

export type Origin = z.infer<typeof originSchema>;
export type DecisionEffect = z.infer<typeof effectSchema>;
export type Reason = z.infer<typeof reasonSchema>;
export type CommandVerdict = z.infer<typeof commandVerdictSchema>;
export type Suggestion = z.infer<typeof suggestionSchema>;
export type Decision = z.infer<typeof decisionSchema>;

/** How a decision came about, as data: every command with the forms in which rules see it, and every rule with its answer. */
import { z } from 'zod';
import { effectSchema, originSchema, spanSchema } from './decision.ts';
import { modeSchema } from './modes.ts';

export const consideredRuleSchema = z.strictObject({
  list: effectSchema,
  rule: z.string(),
  origin: originSchema,
  result: z.enum(['matches', 'could-match', 'does-not-match']),
  decides: z.boolean().describe('It is one of the reasons for the verdict.'),
  because: z.string().optional().describe('Why it does not match: the first difference.'),
});

export const explainedCommandSchema = z.strictObject({
  text: z.string(),
  depth: z
    .int()
    .min(0)
    .describe('0 for a command of the text itself; what another command runs or holds stands deeper.'),
  span: spanSchema.optional().describe('Where it stands in the text; absent for what another command runs.'),
  effect: effectSchema.optional().describe('Absent for what another command runs: that is judged with it.'),
  positions: z.array(z.string()).describe('`pipeline`, `substitution`, `loop` …'),
  description: z.string(),
  grantForms: z.array(z.string()).describe('As allow rules see it: narrowly.'),
  restrictionForms: z.array(z.string()).describe('As deny and ask rules see it: in every spelling.'),
  effects: z.array(z.string()),
  findings: z.array(z.strictObject({ id: z.string(), class: z.string(), message: z.string() })),
  rules: z.array(consideredRuleSchema),
});

export const explanationSchema = z.strictObject({
  mode: modeSchema,
  autoAllow: z.boolean(),
  commands: z.array(explainedCommandSchema),
  change: z
    .strictObject({ what: z.string(), effect: effectSchema })
    .optional()
    .describe('The smallest change that was found to alter the answer, and the answer then.'),
});

export type ConsideredRule = z.infer<typeof consideredRuleSchema>;
export type ExplainedCommand = z.infer<typeof explainedCommandSchema>;
export type Explanation = z.infer<typeof explanationSchema>;

/**
 * The shape of a policy file. One schema gives the types, the load errors and the JSON Schema for editors
 * (`policies/policy.schema.json`, written by `scripts/generate-schema.mjs`).
 */
import { z } from 'zod';

const ruleText = z
  .string()
  .describe('`Tool` or `Tool(specifier)`, for example `Bash(npm run *)`, `Read(.env)`, `Edit(src/**)`');

export const objectRuleSchema = z.strictObject({
  rule: ruleText,
  reason: z.string().optional().describe('Shown with every decision that this rule makes'),
  match: z.array(z.string()).optional().describe('Commands that the rule must match; checked when the policy loads'),
  notMatch: z
    .array(z.string())
    .optional()
    .describe('Commands that the rule must not match; checked when the policy loads'),
  unless: z.array(ruleText).optional().describe('Narrows an allow, exempts from an ask; never weakens a deny'),
  sandbox: z.literal('required').optional().describe('The command may run inside the sandbox only'),
});

const ruleListSchema = z.array(z.union([ruleText, objectRuleSchema]));

/** Names of modes in a file, with the other product's spellings (RULES O38), and the mode that each means. */
export const modeNames = {
  manual: 'manual',
  'accept-edits': 'accept-edits',
  'dont-ask': 'dont-ask',
  default: 'manual',
  acceptEdits: 'accept-edits',
  dontAsk: 'dont-ask',
  auto: 'manual',
  plan: 'manual',
  bypass: 'manual',
  bypassPermissions: 'manual',
} as const;

export const policySchema = z.strictObject({
  $schema: z.string().optional(),
  permissions: z
    .strictObject({
      allow: ruleListSchema.optional().describe('Commands that run without a question'),
      ask: ruleListSchema.optional().describe('Commands that are always asked about'),
      deny: ruleListSchema.optional().describe('Commands that never run'),
      defaultMode: z
        .enum(Object.keys(modeNames) as (keyof typeof modeNames)[])
        .optional()
        .describe('What happens to a command that no rule decides'),
      additionalDirectories: z
        .array(z.string().min(1))
        .optional()
        .describe('Further folders that commands may work in'),
      autoAllow: z
        .boolean()
        .optional()
        .describe('Whether a sandboxed command that nothing restricts runs without a question'),
      lockFlags: z.boolean().optional().describe('Forbids `--yes` and rules on the command line'),
    })
    .optional(),
  sandbox: z.strictObject({}).optional(),
  daemon: z.strictObject({ idleMinutes: z.number().positive().optional() }).optional(),
});

/**
 * The shape of a policy file. One schema gives the types, the load errors and the JSON Schema for editors
 * (`policies/policy.schema.json`, written by `scripts/generate-schema.mjs`).
 */
import { z } from 'zod';
import { policyLimitsSchema } from '../../client/protocol/run-limits.ts';
import { networkSchema } from './network-schema.ts';

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
  sandbox: z
    .enum(['required', 'off'])
    .optional()
    .describe(
      '`required`: the command may run inside the sandbox only. `off`: it runs outside, where every command of the line may; managed and user policy alone may say so',
    ),
});

const pathListSchema = z.array(z.string().min(1)).optional();

const ruleListSchema = z.array(z.union([ruleText, objectRuleSchema]));

/** Names of modes in a file, with the other product's spellings (RULES O38), and the mode that each means. */
export const modeNames = {
  manual: 'manual',
  'accept-edits': 'accept-edits',
  plan: 'plan',
  'dont-ask': 'dont-ask',
  bypass: 'bypass',
  default: 'manual',
  acceptEdits: 'accept-edits',
  dontAsk: 'dont-ask',
  bypassPermissions: 'bypass',
  auto: 'manual',
} as const;

/** A grant names one variable: a pattern would pass on what nobody thought of. */
export const variableName = /^[^=*?\0\s]+$/;

/** `policies/profiles/NAME.jsonc`. */
export const profileNames = ['default', 'strict', 'ci'] as const;
export type ProfileName = (typeof profileNames)[number];

export const policySchema = z.strictObject({
  $schema: z.string().optional().describe('Where an editor finds the description of this file'),
  profile: z
    .enum(profileNames)
    .optional()
    .describe('The built-in policy below all others; managed and user policy may choose it')
    .meta({ default: 'default' }),
  import: z
    .boolean()
    .optional()
    .describe(
      'Whether the settings of another agent, `.claude/settings.json`, count as well; managed and user policy may say',
    )
    .meta({ default: true }),
  workspace: z.string().optional().describe('Of a file of saved answers: the folder that they are for'),
  permissions: z
    .strictObject({
      allow: ruleListSchema.optional().describe('Commands that run without a question').meta({ default: [] }),
      ask: ruleListSchema.optional().describe('Commands that are always asked about').meta({ default: [] }),
      deny: ruleListSchema.optional().describe('Commands that never run').meta({ default: [] }),
      defaultMode: z
        .enum(Object.keys(modeNames) as (keyof typeof modeNames)[])
        .optional()
        .describe('What happens to a command that no rule decides')
        .meta({ default: 'manual' }),
      additionalDirectories: z
        .array(z.string().min(1))
        .optional()
        .describe('Further folders that commands may work in')
        .meta({ default: [] }),
      autoAllow: z
        .boolean()
        .optional()
        .describe('Whether a sandboxed command that nothing restricts runs without a question')
        .meta({ default: true }),
      lockFlags: z
        .boolean()
        .optional()
        .describe('Forbids `--yes` and grants on the command line')
        .meta({ default: false }),
      disableBypass: z
        .boolean()
        .optional()
        .describe('Forbids the mode `bypass`, in whatever file this stands')
        .meta({ default: false }),
      managedRulesOnly: z
        .boolean()
        .optional()
        .describe('Managed policy only: allow rules and folders of other layers have no effect')
        .meta({ default: false }),
      managedDomainsOnly: z
        .boolean()
        .optional()
        .describe('Managed policy only: allowed hosts of other layers have no effect')
        .meta({ default: false }),
      lockAutoAllow: z
        .boolean()
        .optional()
        .describe('Managed policy only: auto-allow is as managed policy says, off where it says nothing')
        .meta({ default: false }),
    })
    .optional()
    .describe('Rules, and what holds where no rule decides'),
  sandbox: z
    .strictObject({
      allowUnsandboxed: z
        .boolean()
        .optional()
        .describe('Whether a client may switch the sandbox of its session off')
        .meta({ default: false }),
      allowShell: z
        .boolean()
        .optional()
        .describe('Whether `sbx shell` may open a shell, whose lines are not decided one by one')
        .meta({ default: true }),
      userNamespaces: z
        .boolean()
        .optional()
        .describe(
          'Whether commands may make user namespaces, as browsers and rootless containers do for sandboxes of their own; managed and user policy may say. More of the kernel is in reach of commands then',
        )
        .meta({ default: false }),
      env: z
        .array(z.string().regex(variableName, 'the exact name of a variable, without `*` and `=`'))
        .optional()
        .describe(
          'Variables of the caller that commands get although they are not on the list or look like secrets, each by its exact name',
        )
        .meta({ default: [] }),
      limits: policyLimitsSchema
        .optional()
        .describe('What a run may use. The strictest of all files and of the request holds')
        .meta({ default: {} }),
      filesystem: z
        .strictObject({
          denyRead: pathListSchema
            .describe('Hidden inside the sandbox, in addition to the places of credentials')
            .meta({ default: [] }),
          allowRead: pathListSchema
            .describe('Readable although it lies in a hidden folder; a more specific `denyRead` holds')
            .meta({ default: [] }),
          denyWrite: pathListSchema
            .describe('Read-only inside the sandbox, whatever else may be written')
            .meta({ default: [] }),
          allowWrite: pathListSchema
            .describe('Folders and files outside of the workspace that commands may write')
            .meta({ default: [] }),
        })
        .optional()
        .describe('What of the machine commands see and may write; patterns as in `Read` and `Edit` rules')
        .meta({ default: {} }),
      unprotect: pathListSchema
        .describe('Protected paths that commands may write after all; managed and user policy may say')
        .meta({ default: [] }),
    })
    .optional()
    .describe('What may be done without the decision or without the wall, and what a run may use'),
  network: networkSchema.optional().describe('Where commands may connect to').meta({ default: {} }),
  daemon: z
    .strictObject({
      idleMinutes: z
        .number()
        .positive()
        .optional()
        .describe('Minutes without a run or a client after which the daemon ends; not for a project to set')
        .meta({ default: 15 }),
    })
    .optional()
    .describe('The process behind `sbx`'),
});

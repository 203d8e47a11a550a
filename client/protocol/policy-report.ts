/** The merged policy as it is shown: layers, entries with their places, and what has no effect and why. */
import { z } from 'zod';
import { effectSchema, originSchema } from './decision.ts';

const layerStateSchema = z.enum(['used', 'absent', 'broken', 'untrusted', 'ignored', 'locked-out']);

export const policyReportSchema = z.strictObject({
  workspace: z.string().optional(),
  layers: z
    .array(
      z.strictObject({
        layer: originSchema.shape.layer,
        file: z.string().optional().describe('Absent for rules that came with the request.'),
        imported: z.boolean().describe('A settings file of another agent.'),
        state: layerStateSchema.describe(
          '`untrusted`: some of its grants wait for trust. `locked-out`: managed policy takes its grants away.',
        ),
        because: z.string().optional(),
        foreign: z
          .array(z.string())
          .optional()
          .describe('Rules of another agent for tools that sbx does not have; they say nothing here.'),
      }),
    )
    .describe('The highest first.'),
  settings: z.array(
    z.strictObject({
      key: z.string(),
      value: z.union([z.string(), z.number(), z.boolean()]),
      origin: originSchema,
    }),
  ),
  rules: z.array(
    z.strictObject({
      list: effectSchema,
      rule: z.string(),
      origin: originSchema,
      reason: z.string().optional(),
      unless: z.array(z.string()),
      sandbox: z.enum(['required', 'off']).optional(),
    }),
  ),
  files: z
    .array(
      z.strictObject({
        list: z.enum(['denyRead', 'allowRead', 'denyWrite', 'allowWrite', 'unprotect']),
        path: z.string().describe('The pattern as it was written.'),
        origin: originSchema,
      }),
    )
    .describe('What the sandbox hides, shows and lets be written, beside what rules deny.'),
  network: z.strictObject({
    default: z.strictObject({ value: z.enum(['ask', 'deny']), origin: originSchema }),
    entries: z
      .array(
        z.strictObject({
          list: effectSchema,
          entry: z.string().describe('As it was written; of an object what it says in one line.'),
          origin: originSchema,
          reason: z.string().optional(),
          preset: z.string().optional().describe('The list of hosts that the entry comes from.'),
        }),
      )
      .describe('In the order of decisions. `WebFetch` rules, which hold as well, are among `rules` only.'),
    presets: z.array(z.strictObject({ name: z.string(), origin: originSchema })),
    hostPorts: z.array(z.strictObject({ port: z.int(), origin: originSchema })),
  }),
  additionalDirectories: z.array(z.strictObject({ path: z.string(), origin: originSchema })),
  env: z
    .array(z.strictObject({ name: z.string(), origin: originSchema }))
    .describe('Variables of the caller that commands get although they would be withheld.'),
  ignored: z
    .array(z.strictObject({ what: z.string(), because: z.string(), origin: originSchema }))
    .describe('Grants and settings that have no effect.'),
  problems: z.array(z.strictObject({ message: z.string(), help: z.string().optional(), origin: originSchema })),
});

export type PolicyReport = z.infer<typeof policyReportSchema>;

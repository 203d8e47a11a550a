/** The limits of a run as a zod schema: the same names, units and bounds in a policy file and on the wire. */
import { z } from 'zod';
import type { LimitName } from './limit-names.ts';

/** A timer of Node cannot be longer. */
const ms = z.int().min(1).max(2_147_483_647);
const amount = (least: number) => z.int().min(least);

const fields = {
  timeoutMs: ms.optional().describe('Milliseconds after its start at which a run is stopped'),
  idleTimeoutMs: ms.optional().describe('Milliseconds without output after which a run is stopped'),
  cpuSeconds: amount(1).optional().describe('Processor time of each process of a run, in seconds'),
  memoryBytes: amount(16 * 1024 ** 2)
    .optional()
    .describe('Memory of all processes of a run together, in bytes'),
  processes: amount(8).optional().describe('Processes and threads of a run at one time'),
  openFiles: amount(64).optional().describe('Files that each process of a run may have open'),
  fileBytes: amount(1024).optional().describe('Size of each file that a run writes, in bytes; whole KiB count'),
  tmpBytes: amount(65_536)
    .optional()
    .describe("Size of each of the session's temporary folders, in bytes; a session keeps what it was made with"),
  outputBytes: amount(1).optional().describe('Bytes that a run may print before it is stopped'),
} satisfies Readonly<Record<LimitName, z.ZodType>>;

/** Of a policy file. */
export const policyLimitsSchema = z.strictObject(fields);

/** Of a session: for every run in it. The size of its temporary folders is for a policy to say. */
export const sessionLimitsSchema = policyLimitsSchema.omit({ tmpBytes: true });
export type SessionLimits = z.infer<typeof sessionLimitsSchema>;

/** Of one run, whose `timeoutMs` stands beside it. */
export const runLimitsSchema = sessionLimitsSchema.omit({ timeoutMs: true });
export type RunLimits = z.infer<typeof runLimitsSchema>;

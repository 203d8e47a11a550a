/** What happens to a command that no rule decides. */
import { z } from 'zod';

export const modeSchema = z.enum(['manual', 'accept-edits', 'plan', 'dont-ask', 'bypass']);
export type Mode = z.infer<typeof modeSchema>;

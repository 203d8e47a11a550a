/** The lines about policy that a person sees once, or once a day, beside what they asked for. */
import { showNote } from '../decide/policy.ts';
import type { Notices } from '../platform/notices.ts';
import type { PolicyLayer } from './policy-layers.ts';

export function findNotices(
  layers: readonly PolicyLayer[],
  workspace: string | undefined,
  notices: Notices,
  now: Date,
): readonly string[] {
  const lines: string[] = [];
  const today = now.toISOString().slice(0, 10);
  const waiting = layers.reduce((sum, layer) => sum + layer.waiting.length, 0);
  if (waiting > 0 && notices.isNew(`trust ${workspace ?? ''}`, today)) lines.push(describeWaiting(waiting));
  for (const { layer, file, state, parsed, weakening } of layers) {
    if (layer === 'managed' && state === 'ignored') lines.push(...parsed.notes.map(showNote));
    if (weakening.length > 0 && notices.isNew(`weakening ${file}`, weakening.join(' '))) {
      const keys = weakening.map((key) => `\`${key}\``).join(', ');
      lines.push(`\`${file}\`: ${keys} would weaken the sandbox and ${weakening.length === 1 ? 'is' : 'are'} ignored`);
    }
  }
  return lines;
}

export function describeWaiting(count: number): string {
  return `${count} project grant${count === 1 ? '' : 's'} ignored; \`sbx trust\` shows ${count === 1 ? 'it' : 'them'}`;
}

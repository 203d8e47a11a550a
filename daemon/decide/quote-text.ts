/** How messages of this stage quote what a user wrote: in backticks, on one line, nothing hidden, not too long. */
import { showText } from '../../client/protocol/visible.ts';

export function quoteText(text: string, maxLength = 160): string {
  return `\`${showText(text.length > maxLength ? `${text.slice(0, maxLength)}…` : text)}\``;
}

/** The signals that can be sent to a run, as people name them. */
import { SbxError } from '../protocol/errors.ts';
import type { RunSignal } from '../protocol/messages.ts';
import { showText } from '../protocol/visible.ts';

const signals: Readonly<Record<RunSignal, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGUSR2: 12,
  SIGTERM: 15,
  SIGWINCH: 28,
};

/** By name, with or without SIG, or by the number that Linux gives it. @throws {SbxError} `bad-usage` */
export function parseSignal(text: string): RunSignal {
  const name = text.toUpperCase();
  for (const [signal, number] of Object.entries(signals)) {
    if (signal === name || signal === `SIG${name}` || String(number) === text) return signal as RunSignal;
  }
  throw new SbxError('bad-usage', `\`--signal\`: \`${showText(text)}\` is no signal that can be sent to a run`, {
    help: `choose ${Object.keys(signals)
      .map((signal) => signal.slice(3))
      .join(', ')}`,
  });
}

/** Redirections and writes to places that are no files: network pseudo-devices and hardware. */
import type { Effect } from '../model.ts';
import type { FindingFamily } from './family.ts';

type Id = 'network-redirect' | 'device-write' | 'loose-redirection';

export const devices: FindingFamily<Id> = {
  definitions: {
    'network-redirect': {
      class: 'network',
      severity: 'high',
      hits: [
        'echo x > /dev/tcp/example.com/80',
        'cat < /dev/udp/h/53',
        'echo x > "/dev/tcp/$H/80"',
        'echo x > /dev//tcp/h/80',
      ],
      misses: ['echo x > /dev/null', 'ls /dev/tcp', 'echo x > tcp'],
    },
    'device-write': {
      class: 'destructive',
      severity: 'high',
      hits: ['echo x > /dev/sda', 'dd if=/dev/zero of=/dev/nvme0n1', 'cp a /dev/mem'],
      misses: ['echo x > /dev/null', 'echo x 2> /dev/stderr', 'dd if=/dev/zero of=disk.img', 'echo x > /dev/shm/a'],
    },
    'loose-redirection': {
      class: 'undecidable',
      severity: 'medium',
      hits: ['[[ -f a ]] > out', '(( 1 )) > out'],
      misses: ['[[ -f a ]] 2>/dev/null', '[[ -f a ]] < in', '{ echo a; } > out'],
    },
  },
  inCommand: (record, _context, report) => {
    const inner = new Set(record.inner.flatMap((one) => one.result.effects));
    for (const effect of record.result.effects) {
      if (inner.has(effect)) continue;
      const hit = judge(effect);
      if (hit !== undefined) report(hit.id, hit.message, hit.span, record.command.id);
    }
    for (const redirection of record.command.redirections) {
      if (!/^["']?\/dev\/+(?:tcp|udp)\//.test(redirection.target.source)) continue;
      report(
        'network-redirect',
        'opens a network connection by a redirection',
        { start: redirection.start, end: redirection.end },
        record.command.id,
      );
    }
  },
  inScript: (_script, _commands, loose, _context, report) => {
    for (const effect of loose) {
      const hit = judge(effect);
      if (hit !== undefined) report(hit.id, hit.message, hit.span, undefined);
      else if (effect.kind === 'write')
        report(
          'loose-redirection',
          `writes \`${effect.target.source}\` without a command`,
          effect.target.span,
          undefined,
        );
    }
  },
};

function judge(effect: Effect): { id: Id; message: string; span: { start: number; end: number } } | undefined {
  if (effect.kind !== 'write') return undefined;
  const place = effect.target.path ?? effect.target.prefix;
  if (place === undefined || !place.startsWith('/dev/') || /^\/dev\/(?:shm|pts|mqueue)(?:\/|$)/.test(place))
    return undefined;
  if (/^\/dev\/(?:tcp|udp)\//.test(place)) return undefined;
  return { id: 'device-write', message: `writes to the device \`${effect.target.source}\``, span: effect.target.span };
}

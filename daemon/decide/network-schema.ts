/** The shape of the block `network` in a policy file. */
import { z } from 'zod';
import { presetNames } from './network-policy.ts';

const hostText = z
  .string()
  .min(1)
  .describe(
    '`host`, `*.host` (any depth below, not itself), `host:port`, `[v6]:port`, an address, `10.0.0.0/8`, or `*`',
  );

const speaksNames = ['tls', 'http', 'any'] as const;

export const entryObjectSchema = z.strictObject({
  host: hostText,
  ports: z
    .array(z.int().min(1).max(65_535))
    .min(1)
    .optional()
    .describe('Without it 80 and 443 in `allow`, every port in `ask` and `deny`'),
  methods: z.array(z.string().min(1)).min(1).optional().describe('Of HTTP; they cannot be seen inside TLS'),
  paths: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Of HTTP, as `/v1/**`: `*` within a segment, `**` across; they cannot be seen inside TLS'),
  speaks: z
    .enum(speaksNames)
    .optional()
    .describe('What the connection has to speak: `tls` with the host as its name, `http`, or `any`. Else by the port'),
  reason: z.string().optional().describe('Shown with every decision that this entry makes'),
});

export const networkEntrySchema = z.union([hostText, entryObjectSchema]);

const entryList = z.array(networkEntrySchema).optional().meta({ default: [] });

export const networkSchema = z.strictObject({
  allow: entryList.describe('Hosts that commands may connect to; without a port 80 and 443'),
  ask: entryList.describe('Hosts that are asked about although they are allowed'),
  deny: entryList.describe('Hosts that commands never connect to'),
  default: z
    .enum(['ask', 'deny'])
    .optional()
    .describe('What happens to a host that no entry names. One file that says `deny` is enough')
    .meta({ default: 'ask' }),
  presets: z
    .array(z.enum([...presetNames, 'none']))
    .optional()
    .describe('Lists of hosts that come with sbx; `none` leaves out those that files below this one chose'),
  hostPorts: z
    .array(z.int().min(1).max(65_535))
    .optional()
    .describe("Ports of this machine's own `localhost` that commands may connect to")
    .meta({ default: [] }),
});

#!/usr/bin/env node
// Writes what clients in other languages need, from the zod schemas that the daemon validates with:
// client/protocol/protocol.schema.json (every message as JSON Schema) and client/protocol/REFERENCE.md.
// usage: scripts/generate-protocol.mjs [--check]   with --check nothing is written; 1 when a file is out of date
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { evaluateSource, root } from './evaluate-source.mjs';

const folder = path.join(root, 'client', 'protocol');
const protocol = await evaluateSource(`import { z } from 'zod';
import { frameHeaderBytes, frameKinds } from './client/protocol/frames.ts';
import { limits, protocolVersion } from './client/protocol/limits.ts';
import { errorCodes } from './client/protocol/errors.ts';
import { notifications } from './client/protocol/events.ts';
import { laterMethods, methods, notifiable } from './client/protocol/messages.ts';
const shape = (schema) => { const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }); return rest; };
const each = (table, keys) => Object.fromEntries(Object.entries(table).map(([name, entry]) =>
  [name, { description: entry.does, ...Object.fromEntries(keys.map((key) => [key, shape(entry[key])])) }]));
export default {
  version: protocolVersion, limits, errors: errorCodes, frames: { headerBytes: frameHeaderBytes, kinds: frameKinds }, notifiable, laterMethods,
  methods: each(methods, ['params', 'result']), notifications: each(notifications, ['params']),
};`);

/** A type as one short phrase. */
function phrase(schema) {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' \\| ');
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map(phrase).join(' \\| ');
  if (schema.type === 'array') return `array of ${phrase(schema.items ?? {})}`;
  if (schema.type === 'object' && !schema.properties) return 'object';
  if (schema.type === 'object') return `{ ${Object.keys(schema.properties).join(', ')} }`;
  return schema.type ?? 'any';
}

function oneLine(text) {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|');
}

/** Rows for the fields of an object, nested ones with their path. */
function rows(schema, prefix = '') {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const mark = required.has(name) ? '' : ' (optional)';
    const own = `| \`${path}\`${mark} | ${phrase(field)} | ${oneLine(field.description ?? '')} |`;
    const inner = field.type === 'object' ? field : field.items?.type === 'object' ? field.items : undefined;
    const deep = prefix.split('.').length < 3 && inner?.properties;
    return [own, ...(deep ? rows(inner, `${path}${field.type === 'array' ? '[]' : ''}.`) : [])];
  });
}

function table(title, schema) {
  const body = rows(schema);
  if (body.length === 0) return `${title}: none.\n`;
  return `${title}:\n\n| field | type | |\n|---|---|---|\n${body.join('\n')}\n`;
}

function reference() {
  const methods = Object.entries(protocol.methods).map(([name, entry]) => {
    const note = protocol.notifiable.includes(name) ? '\nMay come without an `id`; then it has no answer.\n' : '';
    return `### ${name}\n\n${entry.description}\n${note}\n${table('Parameters', entry.params)}\n${table('Result', entry.result)}`;
  });
  const notifications = Object.entries(protocol.notifications).map(([name, entry]) => {
    const events = name === 'run.event' ? `\n${eventTable(entry.params.properties.event)}` : '';
    return `### ${name}\n\n${entry.description}\n\n${table('Parameters', entry.params)}${events}`;
  });
  const errors = Object.entries(protocol.errors).map(([code, [kind, text]]) => `| \`${code}\` | ${kind} | ${text} |`);
  const limits = Object.entries(protocol.limits).map(([name, value]) => `| \`${name}\` | ${value} |`);
  return `# Protocol reference, version ${protocol.version}

Written by \`scripts/generate-protocol.mjs\` from the schemas that the daemon validates with; the same as data is in
[protocol.schema.json](protocol.schema.json). How it all hangs together is in [README.md](README.md).

## Methods

${methods.join('\n')}
Not in this build, answered with \`not-available\`: ${protocol.laterMethods.map((name) => `\`${name}\``).join(', ')}.

## Notifications

${notifications.join('\n')}
## Errors

\`error.data.code\` is one of these; the number in \`error.code\` is only there for JSON-RPC. A denial is not an error: the run ends
with reason \`denied\` and the decision says why.

| code | kind | meaning |
|---|---|---|
${errors.join('\n')}

## Limits

Bytes, milliseconds and counts.

| name | value |
|---|---|
${limits.join('\n')}
`;
}

function eventTable(schema) {
  const events = schema.oneOf ?? schema.anyOf;
  const lines = events.map((event) => {
    const fields = Object.keys(event.properties).filter((name) => name !== 'type');
    const list = fields.map((name) => `\`${name}\``).join(', ');
    return `| \`${event.properties.type.const}\` | ${list} | ${oneLine(event.description ?? '')} |`;
  });
  return `Events by \`type\`:\n\n| type | fields | |\n|---|---|---|\n${lines.join('\n')}\n`;
}

const files = {
  'protocol.schema.json': `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'sbx wire protocol', ...protocol }, null, 2)}\n`,
  'REFERENCE.md': reference(),
};
for (const [name, text] of Object.entries(files)) {
  const file = path.join(folder, name);
  if (!process.argv.includes('--check')) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`client/protocol/${name} is out of date; run scripts/generate-protocol.mjs`);
    process.exitCode = 1;
  }
}

#!/usr/bin/env node
// Writes policies/policy.schema.json, the JSON Schema of a policy file for editors, from the zod schema that reads it.
// usage: scripts/generate-schema.mjs [--check]   with --check nothing is written; 1 when the file is out of date
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = path.dirname(import.meta.dirname);
const target = path.join(root, 'policies', 'policy.schema.json');
const bundle = await build({
  absWorkingDir: root,
  stdin: {
    contents: `import { z } from 'zod'; import { policySchema } from './daemon/decide/policy-schema.ts';
export default z.toJSONSchema(policySchema, { io: 'input' });`,
    resolveDir: root,
  },
  bundle: true,
  write: false,
  format: 'esm',
  platform: 'node',
  target: 'node20',
});
const { default: schema } = await import(
  `data:text/javascript;base64,${Buffer.from(bundle.outputFiles[0].contents).toString('base64')}`
);
const text = `${JSON.stringify({ title: 'sbx policy', ...schema, allowComments: true, allowTrailingCommas: true }, null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('policies/policy.schema.json is out of date; run scripts/generate-schema.mjs');
  process.exit(1);
}

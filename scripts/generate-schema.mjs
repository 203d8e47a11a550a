#!/usr/bin/env node
// Writes policies/policy.schema.json, the JSON Schema of a policy file for editors, from the zod schema that reads it.
// usage: scripts/generate-schema.mjs [--check]   with --check nothing is written; 1 when the file is out of date
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { evaluateSource, root } from './evaluate-source.mjs';

const target = path.join(root, 'policies', 'policy.schema.json');
const schema =
  await evaluateSource(`import { z } from 'zod'; import { policySchema } from './daemon/decide/policy-schema.ts';
export default z.toJSONSchema(policySchema, { io: 'input' });`);
const text = `${JSON.stringify({ title: 'sbx policy', ...schema, allowComments: true, allowTrailingCommas: true }, null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('policies/policy.schema.json is out of date; run scripts/generate-schema.mjs');
  process.exit(1);
}

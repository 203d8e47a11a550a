/**
 * How the catalogue writes what a word means: a role, or a role with what it changes about other words. A meaning that is
 * not known is an error at load, so a typo can never quietly loosen an answer.
 */
import { z } from 'zod';
import { type Role, roles } from './roles.ts';

/** `role`, `role!` (always needs to be named), either followed by `: reason`. */
const meaningText = z.string().superRefine((text, context) => {
  if (parseMeaning(text) === undefined) context.addIssue(unknownRole(text));
});

/** Written as `role`, `role!` or `role: reason`. What is known goes along, so that a message can say what was meant. */
export function unknownRole(text: string): {
  code: 'custom';
  message: string;
  params: { word: string; known: readonly string[] };
} {
  const [word = ''] = /^[^:!?*+]*/.exec(text) ?? [];
  return { code: 'custom', message: 'unknown role', params: { word, known: roles } };
}

const meaningShape = z.strictObject({
  is: meaningText,
  /** Takes the place of an operand: `grep -e` leaves no pattern operand, `cp -t` no destination. */
  drops: z.enum(['first', 'last']).optional(),
  except: z.array(z.string()).optional(),
  /** Changes what other words mean: `{ "read": "write" }` for `sed -i`. */
  turns: z.partialRecord(z.enum(roles), z.enum(roles)).optional(),
  /** Targets assumed when the command line names none of that role: `{ "write-tree": "." }` for `tar -x`. */
  implicit: z.partialRecord(z.enum(roles), z.string()).optional(),
  /** Narrows what the program acts on, so that a removal is not of everything (`find -name`). */
  filters: z.boolean().optional(),
  /** What the word after its value means (`jq --rawfile NAME FILE`). */
  further: z.enum(roles).optional(),
  /** Its value stands before the words of the command (`docker run --entrypoint`). */
  leads: z.boolean().optional(),
  /** Its command gets what was found as a last word unless it says where (`fd -x`). */
  appends: z.boolean().optional(),
  /** As `shellAfter` of a program, for the value of this option. */
  shellAfter: z.array(z.string()).optional(),
});
export type MeaningData = string | z.infer<typeof meaningShape>;

/** One check for the whole record: there are ten thousand options, and a schema run for each would rule the start-up time. */
export const optionsSchema = z
  .custom<Record<string, MeaningData>>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected options',
  )
  .superRefine((options, context) => {
    for (const [key, value] of Object.entries(options)) {
      if (typeof value === 'string') {
        if (parseMeaning(value) === undefined) context.addIssue({ ...unknownRole(value), path: [key] });
        continue;
      }
      const known = Object.keys(meaningShape.shape);
      for (const issue of meaningShape.safeParse(value).error?.issues ?? []) {
        const path = [key, ...issue.path];
        if (issue.code !== 'unrecognized_keys')
          context.addIssue({ ...issue, path } as Parameters<typeof context.addIssue>[0]);
        else
          for (const word of issue.keys)
            context.addIssue({
              code: 'custom',
              path: [...path, word],
              message: 'unknown key',
              params: { word, known, isKey: true },
            });
      }
    }
  });

/** One meaning in the form the reader uses. */
export interface Meaning {
  readonly role: Role;
  /** A broad grant never covers it, whatever the program is for. */
  readonly mustBeNamed: boolean;
  readonly because: string | undefined;
  readonly drops: 'first' | 'last' | undefined;
  /** Values that do nothing of the kind: `name=value`, `name`, or `start.*`. */
  readonly except: readonly string[];
  readonly turns: Partial<Record<Role, Role>> | undefined;
  readonly implicit: Partial<Record<Role, string>> | undefined;
  readonly filters: boolean;
  readonly leads: boolean;
  readonly appends: boolean;
  readonly shellAfter: readonly string[] | undefined;
  readonly further: Role | undefined;
}

const roleSet: ReadonlySet<string> = new Set(roles);

function parseMeaning(text: string): { role: Role; mustBeNamed: boolean; because: string | undefined } | undefined {
  const colon = text.indexOf(':');
  const head = colon < 0 ? text : text.slice(0, colon);
  const mustBeNamed = head.endsWith('!');
  const role = mustBeNamed ? head.slice(0, -1) : head;
  if (!roleSet.has(role)) return undefined;
  return { role: role as Role, mustBeNamed, because: colon < 0 ? undefined : text.slice(colon + 1).trim() };
}

/** @throws {Error} for text that the schema would have refused. */
export function compileMeaning(data: MeaningData, shellAfter: readonly string[] | undefined): Meaning {
  const shape = typeof data === 'string' ? { is: data } : data;
  const head = parseMeaning(shape.is);
  if (head === undefined) throw new Error(`not a meaning: ${shape.is}`);
  return {
    ...head,
    drops: 'drops' in shape ? shape.drops : undefined,
    except: 'except' in shape ? (shape.except ?? []) : [],
    turns: 'turns' in shape ? shape.turns : undefined,
    implicit: 'implicit' in shape ? shape.implicit : undefined,
    filters: 'filters' in shape && shape.filters === true,
    leads: 'leads' in shape && shape.leads === true,
    appends: 'appends' in shape && shape.appends === true,
    further: 'further' in shape ? shape.further : undefined,
    shellAfter: ('shellAfter' in shape ? shape.shellAfter : undefined) ?? shellAfter,
  };
}

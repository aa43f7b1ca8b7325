/** `groups` of bridge.yaml: which group grants which rights. Whether ZITADEL has what they need is checked later. */
import { z } from 'zod';
import { isPrivileged } from '../mapping/rules/privilege.ts';
import { isTemplate } from '../mapping/rules/template.ts';
import type { Rule } from '../mapping/rules/types.ts';
import { flag, id, text } from './values.ts';

const roles = z
  .array(text.max(200, 'must have at most 200 characters'), { error: 'must be a list of roles' })
  .default([]);

const written = z.strictObject({
  match: z.strictObject({ displayName: text.optional(), externalId: text.optional() }, 'must be a mapping of keys'),
  orgRoles: roles,
  project: id.optional(),
  roles,
  createRoles: flag.default(false),
  allowPrivileged: flag.default(false),
});

type Written = z.output<typeof written>;
type Fault = readonly [path: readonly (string | number)[], message: string];

/** Semantic errors of a well-formed rule. */
function faults({ match, orgRoles, project, roles: given, createRoles, allowPrivileged }: Written): readonly Fault[] {
  const out: Fault[] = [];
  if ((match.displayName === undefined) === (match.externalId === undefined))
    out.push([['match'], 'needs displayName or externalId, and only one of them']);
  if (orgRoles.length === 0 && given.length === 0 && project === undefined)
    out.push([[], 'gives nothing: needs orgRoles, or project and roles']);
  if (given.length > 0 && project === undefined) out.push([['project'], 'missing, roles needs it']);
  if (given.length === 0 && project !== undefined) out.push([['roles'], 'missing, project needs it']);
  if (createRoles && project === undefined) out.push([['createRoles'], 'needs project and roles']);
  for (const [at, role] of orgRoles.entries()) {
    if (isTemplate(role)) out.push([['orgRoles', at], '{displayName} can stand in roles only']);
    else if (isPrivileged(role) && !allowPrivileged)
      out.push([['orgRoles', at], 'can change the organization; to give it, add allowPrivileged: true to this rule']);
  }
  return out;
}

const rule = written
  .superRefine((value, context) => {
    for (const [path, message] of faults(value)) context.addIssue({ code: 'custom', path: [...path], message });
  })
  .transform(
    ({ match: { displayName, externalId = '' }, project = null, ...rest }): Rule => ({
      by: displayName === undefined ? 'externalId' : 'displayName',
      pattern: displayName ?? externalId,
      project,
      ...rest,
    }),
  );

/** Defaults for all tenants, or one tenant's own; each key separately. */
export const groups = z.strictObject(
  {
    strictMembers: flag.optional(),
    applyOnStart: flag.optional(),
    rules: z.array(rule, { error: 'must be a list of rules' }).optional(),
  },
  'must be a mapping of keys',
);

/** PUT, PATCH and DELETE of a group: the definition on the group store user, memberships on the users. */
import { BridgeError } from '../../errors.ts';
import type { Definition } from '../../mapping/groups.ts';
import type { Context } from '../ports/context.ts';
import type { GroupEdit, GroupResource, Shown } from '../requests/use-cases.ts';
import { TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';
import { changeDefinition, readDefinition, type Trusted } from './definition-changes.ts';
import { deleteGroup } from './deletions.ts';
import type { GroupContext } from './group-context.ts';
import { bringMembers, checkCycles, sortedMembers, unknownMembers } from './group-members.ts';
import { memberChangesOf } from './member-changes.ts';
import { isAnyKnown, type MemberChanges } from './membership-changes.ts';

/** The lock for nesting groups; no group has this id. */
const NESTING = '';

/** A PUT or PATCH of one group. */
interface EditRequest {
  readonly ctx: Context;
  readonly id: string;
  readonly edit: GroupEdit;
  readonly deadline: number;
}

export function editGroup(
  context: GroupContext,
  ctx: Context,
  id: string,
  edit: GroupEdit,
  { members }: Shown,
): Promise<GroupResource> {
  const { clock, timing } = context.groups.requests;
  const isAboutAll = edit.members.some(({ kind }) => kind === 'replace' || kind === 'removeWhere');
  const request = { ctx, id, edit, deadline: clock() + timing.answerWithinMs };
  const isAlone = isAboutAll || edit.ifMatch !== undefined;
  return context.locks.take(id, isAlone, timing.answerWithinMs / 2, async () => {
    await carryOut(context, request);
    return context.views.get(id, members);
  });
}

export async function removeGroup(
  context: GroupContext,
  ctx: Context,
  id: string,
  ifMatch: readonly string[] | undefined,
): Promise<void> {
  const { clock, timing } = context.groups.requests;
  const deadline = clock() + timing.answerWithinMs;
  await context.locks.take(id, true, timing.answerWithinMs / 2, async () => {
    await matching(context, id, ifMatch);
    await deleteGroup(context.deletions, ctx, id, deadline);
  });
}

async function carryOut(context: GroupContext, request: EditRequest): Promise<void> {
  const { ctx, id, edit, deadline } = request;
  const definition = await matching(context, id, edit.ifMatch);
  await checkReplaced(context, request, definition);
  const wishes = await memberChangesOf(edit.members, () => context.views.asked(id, definition));
  const { users, groups } = await sortedMembers(context, id, wishes, deadline);
  const define = (): Promise<boolean> => {
    const trusted: readonly Trusted[] = [
      ...(edit.displayName === undefined ? [] : ([TRUSTED_DISPLAY_NAME] as const)),
      ...(edit.externalId === undefined ? [] : ([TRUSTED_EXTERNAL_ID] as const)),
    ];
    const make = (now: Definition): Definition => {
      checkCycles(context, id, groups);
      return edited(now, edit, wishes, groups);
    };
    return changeDefinition(context.groups, { ctx, id, deadline }, make, trusted);
  };
  // serialise nesting so that concurrent requests cannot form a cycle
  const waitMs = context.groups.requests.timing.answerWithinMs / 2;
  const isNesting = [...groups.values()].includes(true);
  const begun = isNesting ? await context.locks.take(NESTING, true, waitMs, define) : await define();
  if (edit.displayName !== undefined || edit.externalId !== undefined) await context.rules.look(id);
  await bringMembers(context, { ctx, group: id, deadline, begun }, users);
}

function edited(
  { externalId: old, ...now }: Definition,
  { displayName, externalId }: GroupEdit,
  wishes: MemberChanges,
  groups: MemberChanges,
): Definition {
  const next = externalId === undefined ? old : (externalId ?? undefined);
  return {
    ...now,
    displayName: displayName ?? now.displayName,
    ...(next === undefined ? {} : { externalId: next }),
    groups: [
      ...now.groups.filter((each) => wishes.get(each) !== false),
      ...[...groups].flatMap(([each, joins]) => (joins && !now.groups.includes(each) ? [each] : [])),
    ],
    pending: now.pending.filter(({ value }) => wishes.get(value) !== false),
  };
}

/** The definition of an existing group. Throws 412 when none of the ETags is the group's (RFC 7644 §3.14). */
async function matching(
  context: GroupContext,
  id: string,
  ifMatch: readonly string[] | undefined,
): Promise<Definition> {
  const { row, definition } = await readDefinition(context.groups, id);
  if (ifMatch === undefined || ifMatch.includes('*') || ifMatch.includes(await context.views.etag(row)))
    return definition;
  throw new BridgeError(412, 'the group has changed since: read it again and repeat the change');
}

/**
 * Throws 400 for a replace whose members are all unknown, on a group that has members: a client that uses ids of
 * another system would empty the group (Metatavu/keycloak-scim-server#107).
 */
async function checkReplaced(
  { members, directory, views }: GroupContext,
  { id, edit, deadline }: EditRequest,
  definition: Definition,
): Promise<void> {
  const named = edit.members.flatMap((each) => (each.kind === 'replace' ? each.ids : []));
  if (named.length === 0 || named.some((each) => directory.find(each) !== undefined)) return;
  if (await isAnyKnown(members, named, 'rows', deadline)) return;
  if ((await views.asked(id, definition)).length === 0) return;
  if (!(await isAnyKnown(members, named, 'zitadel', deadline))) throw unknownMembers(named);
}

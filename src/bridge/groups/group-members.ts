/** Joining and leaving a group: tells users from groups, refuses cycles, keeps unresolved members in the definition. */
import { BridgeError, withNote } from '../../errors.ts';
import { changeDefinition } from './definition-changes.ts';
import type { GroupContext } from './group-context.ts';
import { changeMembers, type MemberChanges, type MemberRequest, unknownUsers } from './membership-changes.ts';

/** Bytes for unresolved members in a definition, of 500,000 that a value may have; the rest is for nested groups. */
const MOST_PENDING_BYTES = 250_000;

/** The ids that join or leave a group, by type. */
export interface Sorted {
  readonly users: MemberChanges;
  readonly groups: MemberChanges;
}

/** Throws 400 for unknown ids if these are refused, and for a group that would become a member of itself. */
export async function sortedMembers(
  context: GroupContext,
  group: string,
  wishes: MemberChanges,
  deadline: number,
): Promise<Sorted> {
  const users = new Map<string, boolean>();
  const groups = new Map<string, boolean>();
  for (const [id, joins] of wishes) {
    if (context.directory.find(id) !== undefined || (!joins && id === group)) groups.set(id, joins);
    else users.set(id, joins);
  }
  if (context.strictMembers) {
    const joining = [...users].flatMap(([id, joins]) => (joins ? [id] : []));
    const unknown = await unknownUsers(context.members, joining, deadline);
    if (unknown.length > 0) throw unknownMembers(unknown);
  }
  checkCycles(context, group, groups);
  return { users, groups };
}

/** A group that contains itself, directly or through its members, would cause an endless loop. */
export function checkCycles({ directory }: GroupContext, group: string, groups: MemberChanges): void {
  const seen = new Set<string>();
  const rest = [...groups].flatMap(([id, joins]) => (joins ? [id] : []));
  for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
    if (id === group)
      throw new BridgeError(400, 'members: a group cannot be a member of itself, directly or through other groups', {
        scimType: 'invalidValue',
      });
    if (seen.has(id)) continue;
    seen.add(id);
    rest.push(...(directory.find(id)?.groups ?? []));
  }
}

/** Users first; ids that are no users are then stored in the definition. */
export async function bringMembers(context: GroupContext, request: MemberRequest, users: MemberChanges): Promise<void> {
  const { clock } = context.groups.requests;
  const { ctx, group: id, deadline, begun } = request;
  let unknown: readonly string[] = [];
  let refusal: unknown;
  if (users.size > 0)
    try {
      unknown = await changeMembers(context.members, request, users);
    } catch (error) {
      if (!(error instanceof BridgeError) || error.status === 503) throw error;
      refusal = withNote(error, 'the other members were changed');
    }
  const isOver = (value: string): boolean => users.has(value) && !unknown.includes(value);
  const at = clock();
  await changeDefinition(context.groups, { ctx, id, deadline, later: begun && at >= deadline }, (now) => {
    const kept = now.pending.filter(({ value }) => !isOver(value));
    const fresh = unknown.filter((value) => !kept.some((each) => each.value === value));
    const pending = [...kept, ...fresh.map((value) => ({ value, at }))];
    if (fresh.length > 0 && Buffer.byteLength(JSON.stringify(pending)) > MOST_PENDING_BYTES)
      throw tooManyUnknown(fresh.length);
    return pending.length === now.pending.length && fresh.length === 0 ? now : { ...now, pending };
  });
  if (refusal !== undefined) throw refusal;
}

const tooManyUnknown = (count: number): BridgeError =>
  new BridgeError(
    400,
    `members.value: ${count} ids are no users of this tenant, more than can be kept (the other members were changed)`,
    {
      scimType: 'invalidValue',
    },
  );

export function unknownMembers(ids: readonly string[]): BridgeError {
  const some = ids.slice(0, 5).map((id) => JSON.stringify(id.slice(0, 60)));
  const more = ids.length > some.length ? ` and ${ids.length - some.length} more` : '';
  return new BridgeError(400, `members.value: there is no user and no group with the id ${some.join(', ')}${more}`, {
    scimType: 'invalidValue',
  });
}

/** POST: creates a definition, then its members. */
import type { Definition } from '../../mapping/groups.ts';
import type { Context } from '../ports/context.ts';
import { groupsOf } from '../row/kinds.ts';
import { isCreation } from '../row/views.ts';
import type { Answering } from '../requests/replay.ts';
import { checkAccepted, contended } from '../requests/submit.ts';
import type { Created, GroupInput, GroupResource } from '../requests/use-cases.ts';
import { absent, createDefinition } from './definition-changes.ts';
import type { GroupContext } from './group-context.ts';
import { bringMembers, sortedMembers } from './group-members.ts';
import type { MemberChanges } from './membership-changes.ts';

export async function createGroup(
  context: GroupContext,
  ctx: Context,
  input: GroupInput,
): Promise<Created<GroupResource>> {
  const { tenant, clock, ids, timing } = context.groups.requests;
  const deadline = clock() + timing.answerWithinMs;
  const wishes = new Map(input.members.map((member) => [member, true]));
  for (;;) {
    const id = ids();
    const end = context.replays.begin({ tenant: groupsOf(tenant), id });
    try {
      const { users, groups } = await sortedMembers(context, id, wishes, deadline);
      const definition = definitionOf(input, [...groups.keys()]);
      const submitted = await createDefinition(context.groups, { ctx, id, deadline }, definition, input.hash);
      if (submitted.kind !== 'taken' || !isCreation(submitted.name)) {
        checkAccepted(submitted, absent);
        return await answer(context, { ctx, id, deadline }, users, end);
      }
      await end(false);
      const adopted = await context.replays.adopt(submitted.holder, input.hash, deadline);
      if (adopted !== undefined)
        return await answerAgain(context, { ctx, id: submitted.holder.id, deadline }, wishes, adopted);
      if (clock() >= deadline) throw contended();
    } catch (error) {
      await end(false);
      throw error;
    }
  }
}

interface CreateRequest {
  readonly ctx: Context;
  readonly id: string;
  readonly deadline: number;
}

const definitionOf = ({ displayName, externalId }: GroupInput, groups: readonly string[]): Definition => ({
  displayName,
  ...(externalId === undefined ? {} : { externalId }),
  groups,
  pending: [],
  deleting: false,
});

/** The group of an unacknowledged create, including its members. */
async function answerAgain(
  context: GroupContext,
  request: CreateRequest,
  wishes: MemberChanges,
  end: Answering,
): Promise<Created<GroupResource>> {
  try {
    const { users } = await sortedMembers(context, request.id, wishes, request.deadline);
    return await answer(context, request, users, end);
  } catch (error) {
    await end(false);
    throw error;
  }
}

async function answer(
  context: GroupContext,
  { ctx, id, deadline }: CreateRequest,
  users: MemberChanges,
  end: Answering,
): Promise<Created<GroupResource>> {
  await context.rules.look(id);
  await bringMembers(context, { ctx, group: id, deadline, begun: true }, users);
  return { resource: await context.views.get(id, true), ended: (delivered) => void end(delivered) };
}

/** Deletes a group: it is marked and hidden, its members leave, then its definition is deleted. */
import type { Definition } from '../../mapping/groups.ts';
import type { Context } from '../ports/context.ts';
import type { SubmitContext } from '../requests/submit.ts';
import { askedOf } from '../row/views.ts';
import { BridgeError } from '../../errors.ts';
import { changeDefinition, removeDefinition, standingOf } from './definition-changes.ts';
import type { IdList } from './id-list.ts';
import { changeMembers, type MembershipContext } from './membership-changes.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';

export interface DeletionContext {
  readonly groups: SubmitContext;
  readonly members: MembershipContext;
  readonly rules: RuleEvaluation;
  /** Ids of groups whose deletion is not finished. They are stored separately: no scan returns a hidden row. */
  readonly list: IdList;
  /** those that this process is deleting */
  readonly running: Set<string>;
}

/** Number of members read at once. */
const AT_ONCE = 1_000;

/** Throws 404. */
export async function deleteGroup(context: DeletionContext, ctx: Context, id: string, deadline: number): Promise<void> {
  const { groups, list, running } = context;
  running.add(id);
  let isMarked = false;
  const mark = (now: Definition): Definition => {
    isMarked = true;
    return { ...now, deleting: true };
  };
  try {
    await list.add(id);
    try {
      await changeDefinition(groups, { ctx, id, deadline }, mark);
    } catch (error) {
      await list.drop(id).catch(() => undefined);
      throw error;
    }
    await carryOut(context, ctx, id, deadline);
  } catch (error) {
    // another process that saw the mark has finished the deletion meanwhile
    if (!isMarked || !(error instanceof BridgeError) || error.status !== 404) throw error;
  } finally {
    running.delete(id);
  }
}

/** Finishes deletions that an earlier process or an outage interrupted. */
export async function finishDeletions(context: DeletionContext): Promise<void> {
  const { groups, list, running } = context;
  const { tenant, clock, timing } = groups.requests;
  for (const id of await list.all()) {
    if (running.has(id)) continue;
    running.add(id);
    const ctx = { tenant, who: 'bridge', txn: 'deletion' };
    const deadline = clock() + timing.answerWithinMs;
    try {
      // no mark was written, so the deletion was not acknowledged: the group stays, its list entry is removed
      if ((await standingOf(groups, id)) === 'deleting') await carryOut(context, ctx, id, deadline);
      else await list.drop(id);
    } catch (error) {
      // an outage: the next run continues
      if (!(error instanceof BridgeError)) throw error;
    } finally {
      running.delete(id);
    }
  }
}

async function carryOut(
  { groups, members, rules, list }: DeletionContext,
  ctx: Context,
  id: string,
  deadline: number,
): Promise<void> {
  const { tenant, store, clock } = groups.requests;
  for (;;) {
    const left = [
      ...(await store.members(tenant, id, AT_ONCE)),
      ...(await store.members(tenant, askedOf(id), AT_ONCE)),
    ];
    if (left.length === 0) break;
    const request = { ctx, group: id, deadline, begun: true };
    await changeMembers(members, request, new Map(left.map((member) => [member.id, false])));
  }
  await rules.forget(id);
  await removeDefinition(groups, { ctx, id, deadline, later: clock() >= deadline });
  await list.drop(id);
}

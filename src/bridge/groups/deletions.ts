import type { Context } from '../ports/context.ts';
import type { SubmitContext } from '../requests/submit.ts';
import { askedOf } from '../row/views.ts';
import { BridgeError } from '../../errors.ts';
import type { Lock } from '../delivery/exclusive.ts';
import { changeDefinition, removeDefinition, standingOf } from './definition-changes.ts';
import { createIdList } from './id-list.ts';
import { changeMembers, type MembershipContext } from './membership-changes.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';

export interface DeletionsOptions {
  readonly groups: SubmitContext;
  readonly members: MembershipContext;
  readonly rules: RuleEvaluation;
  readonly lock: Lock;
}

export interface Deletions {
  remove(ctx: Context, id: string, deadline: number): Promise<void>;
  /** Ids of groups whose deletion has not ended. They are noted beside their rows: a hidden row is in no scan. */
  under(): Promise<readonly string[]>;
  /** Notes a group whose deletion was begun: `finish` goes on with it. */
  begun(id: string): Promise<void>;
  /** Finishes what an earlier process left, or an outage. */
  finish(): Promise<void>;
}

/** Members read at once. */
const AT_ONCE = 1_000;

export function createDeletions({ groups, members, rules, lock }: DeletionsOptions): Deletions {
  const { tenant, store, clock, timing } = groups.requests;
  const list = createIdList(store, lock, `deleting:${tenant}`);
  const running = new Set<string>();

  async function carryOut(ctx: Context, id: string, deadline: number): Promise<void> {
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

  return {
    under: list.all,
    begun: list.add,
    async remove(ctx, id, deadline) {
      running.add(id);
      let isMarked = false;
      try {
        await list.add(id);
        try {
          await changeDefinition(groups, { ctx, id, deadline }, (now) => {
            isMarked = true;
            return { ...now, deleting: true };
          });
        } catch (error) {
          await list.drop(id).catch(() => undefined);
          throw error;
        }
        await carryOut(ctx, id, deadline);
      } catch (error) {
        // another process that saw the mark has finished the deletion meanwhile
        if (!isMarked || !(error instanceof BridgeError) || error.status !== 404) throw error;
      } finally {
        running.delete(id);
      }
    },
    async finish() {
      for (const id of await list.all()) {
        if (running.has(id)) continue;
        running.add(id);
        const ctx = { tenant, who: 'bridge', txn: 'deletion' };
        const deadline = clock() + timing.answerWithinMs;
        try {
          // no mark was written, so nobody was promised the deletion: the group stays, the list forgets it
          if ((await standingOf(groups, id)) === 'deleting') await carryOut(ctx, id, deadline);
          else await list.drop(id);
        } catch (error) {
          // an outage: the next one goes on
          if (!(error instanceof BridgeError)) throw error;
        } finally {
          running.delete(id);
        }
      }
    },
  };
}

import type { Clock, Context } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';
import { askedOf } from '../row/views.ts';
import type { Timing } from '../timing.ts';
import { BridgeError } from '../../errors.ts';
import type { Lock } from '../delivery/exclusive.ts';
import type { DefinitionChanges } from './definition-changes.ts';
import { createIdList } from './id-list.ts';
import type { MembershipChanges } from './membership-changes.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';

export interface DeletionsOptions {
  readonly tenant: string;
  readonly store: Store;
  readonly lock: Lock;
  readonly definitions: DefinitionChanges;
  readonly memberships: MembershipChanges;
  readonly rules: RuleEvaluation;
  readonly clock: Clock;
  readonly timing: Timing;
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

export function createDeletions(options: DeletionsOptions): Deletions {
  const { tenant, store, lock, definitions, memberships, rules, clock, timing } = options;
  const list = createIdList(store, lock, `deleting:${tenant}`);
  const running = new Set<string>();

  async function carryOut(ctx: Context, id: string, deadline: number): Promise<void> {
    for (;;) {
      const members = [
        ...(await store.members(tenant, id, AT_ONCE)),
        ...(await store.members(tenant, askedOf(id), AT_ONCE)),
      ];
      if (members.length === 0) break;
      await memberships.change(ctx, id, new Map(members.map((member) => [member.id, false])), deadline, true);
    }
    await rules.forget(id);
    await definitions.remove(ctx, id, deadline, clock() >= deadline);
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
          await definitions.change(
            ctx,
            id,
            (now) => {
              isMarked = true;
              return { ...now, deleting: true };
            },
            deadline,
          );
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
          if ((await definitions.standing(id)) === 'deleting') await carryOut(ctx, id, deadline);
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

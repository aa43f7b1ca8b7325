/** Definitions and rules as the holder has them: read before the users, so that a store that was lost is made again from ZITADEL. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import type { Facts } from '../../mapping/facts.ts';
import { groupOf, RULES_KEY } from '../../mapping/groups.ts';
import { distrustDefinition, recreateDefinition, restoreDefinition, takeDefinition } from '../row/transitions.ts';
import type { Clock } from '../ports/context.ts';
import type { Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Zitadel } from '../ports/zitadel.ts';
import { isIdle } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { insertRow, updateRow } from '../row/update-row.ts';
import { definitionFacts, definitionKey, definitionOf, RULES_ID } from './definitions.ts';
import type { Directory } from './directory.ts';
import { TRUSTED_DISPLAY_NAME } from './active-rules.ts';

export interface GroupStoreSyncOptions {
  readonly tenant: string;
  /** of the tenant's groups */
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'groupStore'>;
  readonly directory: Directory;
  /** a group whose deletion an earlier store had begun */
  readonly onDeleting: (id: string) => Promise<void>;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

/** Takes over what the holder has. Throws BridgeError 503 while it cannot be read. */
export async function syncGroupStore(options: GroupStoreSyncOptions): Promise<void> {
  const { tenant, unique, store, zitadel, directory, scheduler: wake, clock } = options;
  const shelf = groupsOf(tenant);
  const asked = clock();
  const answer = await zitadel.groupStore.read();
  if (answer.kind !== 'found' && answer.kind !== 'gone')
    throw new BridgeError(503, `the groups could not be read from ZITADEL: ${answer.reason}`, { retryAfter: 5 });
  const facts = answer.kind === 'found' ? answer.facts : {};
  for (const [key, value] of Object.entries(facts)) {
    const id = key === RULES_KEY ? RULES_ID : groupOf(key);
    if (id !== undefined) await take(id, { [key]: value });
  }
  const ids = [RULES_ID, ...[...directory.all()].map((group) => group.id)];
  for (const id of ids) if (facts[definitionKey(id)] === undefined) await writeAgain(id);

  async function take(id: string, confirmed: Facts): Promise<void> {
    if (id !== RULES_ID && definitionOf(id, confirmed) === undefined) return; // not the bridge's writing
    const key = { tenant: shelf, id };
    const before = await store.read(key);
    if (before === undefined) {
      if (definitionOf(id, confirmed)?.deleting === true) await options.onDeleting(id);
      const again = cleaned(id, confirmed, undefined);
      await insertRow(store, unique, key, asked, (row) => takeDefinition(row, confirmed, asked, again));
      wake.at(asked);
      return;
    }
    const isSame = before.confirmed?.[definitionKey(id)] === confirmed[definitionKey(id)];
    if (isSame || !isIdle(before) || before.tombstone !== null) return;
    if (id === RULES_ID && before.trusted.includes(TRUSTED_DISPLAY_NAME)) return restore(before, confirmed);
    // somebody wrote it past the bridge: nobody vouches for it any more
    await updateRow(store, unique, key, (row) =>
      row.version === before.version
        ? distrustDefinition(takeDefinition(row, confirmed, asked, cleaned(id, confirmed, before.confirmed)), asked)
        : row,
    );
    wake.at(asked);
  }

  /** What is in force is known here: anybody who may write users can write another one there. */
  async function restore(before: Row, confirmed: Facts): Promise<void> {
    await updateRow(store, unique, before, (row) =>
      row.version !== before.version || row.confirmed === null ? row : restoreDefinition(row, confirmed, asked),
    );
    wake.at(asked);
  }

  /**
   * What stands there may be anybody's writing: who waits to become a member is only whom SCIM asked for, and no group is deleted by it.
   * Gives the definition as it is to be written again; undefined: it stands there as it should be.
   */
  function cleaned(id: string, confirmed: Facts, before: Facts | null | undefined): Facts | undefined {
    const definition = definitionOf(id, confirmed);
    if (definition === undefined) return undefined;
    const pending = definitionOf(id, before ?? null)?.pending ?? [];
    const deleting = before === undefined && definition.deleting;
    const facts = definitionFacts(id, { ...definition, pending, deleting });
    return stableJson(facts) === stableJson(confirmed) ? undefined : facts;
  }

  /** Nobody but the bridge writes there: what is missing was lost, and rights hang on it. */
  async function writeAgain(id: string): Promise<void> {
    await updateRow(store, unique, { tenant: shelf, id }, (row) => {
      const isLost = isIdle(row) && row.confirmed !== null && row.tombstone === null && row.verifiedAt <= asked;
      return isLost ? recreateDefinition(row, asked) : row;
    });
    wake.at(clock());
  }
}

/** Reads definitions and rules from the group store, before the users, so that a lost store is rebuilt from ZITADEL. */
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
  /** a group whose deletion was begun with an earlier store */
  readonly onDeleting: (id: string) => Promise<void>;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
}

/** Imports the content of the group store. Throws BridgeError 503 while it cannot be read. */
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
    if (id !== RULES_ID && definitionOf(id, confirmed) === undefined) return; // not written by the bridge
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
    // written outside the bridge: no longer trusted
    await updateRow(store, unique, key, (row) =>
      row.version === before.version
        ? distrustDefinition(takeDefinition(row, confirmed, asked, cleaned(id, confirmed, before.confirmed)), asked)
        : row,
    );
    wake.at(asked);
  }

  /** The active rules are stored here; anyone who may write users could write other rules to the group store. */
  async function restore(before: Row, confirmed: Facts): Promise<void> {
    await updateRow(store, unique, before, (row) =>
      row.version !== before.version || row.confirmed === null ? row : restoreDefinition(row, confirmed, asked),
    );
    wake.at(asked);
  }

  /**
   * The group store may have been written by anyone: only SCIM adds unresolved members, and no group is deleted by it.
   * Returns the definition to write back; undefined: it is correct there.
   */
  function cleaned(id: string, confirmed: Facts, before: Facts | null | undefined): Facts | undefined {
    const definition = definitionOf(id, confirmed);
    if (definition === undefined) return undefined;
    const pending = definitionOf(id, before ?? null)?.pending ?? [];
    const deleting = before === undefined && definition.deleting;
    const facts = definitionFacts(id, { ...definition, pending, deleting });
    return stableJson(facts) === stableJson(confirmed) ? undefined : facts;
  }

  /** Only the bridge writes there: a missing definition was lost, and rights depend on it. */
  async function writeAgain(id: string): Promise<void> {
    await updateRow(store, unique, { tenant: shelf, id }, (row) => {
      const isLost = isIdle(row) && row.confirmed !== null && row.tombstone === null && row.verifiedAt <= asked;
      return isLost ? recreateDefinition(row, asked) : row;
    });
    wake.at(clock());
  }
}

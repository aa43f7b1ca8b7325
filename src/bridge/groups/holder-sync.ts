/** Definitions and rules as the holder has them: read before the users, so that a store that was lost is made again from ZITADEL. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import type { Facts } from '../../mapping/facts.ts';
import { groupOf, RULES_KEY } from '../../mapping/groups.ts';
import { OWN } from '../confirm.ts';
import type { Clock, Row, Store, Unique, Wake, Zitadel } from '../ports.ts';
import { isQuiet } from '../rows.ts';
import { groupsOf } from '../shelves.ts';
import { insertRow, updateRow } from '../writes.ts';
import { definitionFacts, definitionKey, definitionOf, RULES_ID } from './definitions.ts';
import type { Directory } from './directory.ts';
import { SAID } from './rulebook.ts';

export interface HolderSyncOptions {
  readonly tenant: string;
  /** of the tenant's groups */
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'holder'>;
  readonly directory: Directory;
  /** a group whose deletion an earlier store had begun */
  readonly onDeleting: (id: string) => Promise<void>;
  readonly wake: Wake;
  readonly clock: Clock;
}

/** Takes over what the holder has. Throws BridgeError 503 while it cannot be read. */
export async function syncHolder(options: HolderSyncOptions): Promise<void> {
  const { tenant, unique, store, zitadel, directory, wake, clock } = options;
  const shelf = groupsOf(tenant);
  const asked = clock();
  const answer = await zitadel.holder.read();
  if (answer.kind !== 'found' && answer.kind !== 'gone')
    throw new BridgeError(503, `the groups could not be read from ZITADEL: ${answer.reason}`, { retryAfter: 5 });
  const facts = answer.kind === 'found' ? answer.facts : {};
  for (const [key, value] of Object.entries(facts)) {
    const id = key === RULES_KEY ? RULES_ID : groupOf(key);
    if (id !== undefined) await take(id, { [key]: value });
  }
  const ids = [RULES_ID, ...[...directory.all()].map((group) => group.id)];
  for (const id of ids) if (facts[definitionKey(id)] === undefined) await writeAgain(id);

  async function take(id: string, known: Facts): Promise<void> {
    if (id !== RULES_ID && definitionOf(id, known) === undefined) return; // not the bridge's writing
    const key = { tenant: shelf, id };
    const before = await store.read(key);
    if (before === undefined) {
      if (definitionOf(id, known)?.deleting === true) await options.onDeleting(id);
      await insertRow(store, unique, key, asked, (row) => ({
        ...row,
        ...cleaned(id, known, undefined),
        verifiedAt: asked,
      }));
      wake.at(asked);
      return;
    }
    const isSame = before.known?.[definitionKey(id)] === known[definitionKey(id)];
    if (isSame || !isQuiet(before) || before.tombstone !== null) return;
    if (id === RULES_ID && before.vouched.includes(SAID)) return restore(before, known);
    // somebody wrote it past the bridge: nobody vouches for it any more
    await updateRow(store, unique, key, (row) =>
      row.version === before.version
        ? { ...row, ...cleaned(id, known, before.known), vouched: [], verifiedAt: asked, modified: asked }
        : row,
    );
    wake.at(asked);
  }

  /** What is in force is known here: anybody who may write users can write another one there. */
  async function restore(before: Row, known: Facts): Promise<void> {
    await updateRow(store, unique, before, (row) =>
      row.version !== before.version || row.known === null
        ? row
        : { ...row, known, changes: [{ ...OWN, kind: 'edit', facts: row.known, at: asked }], dueAt: asked },
    );
    wake.at(asked);
  }

  /**
   * What stands there may be anybody's writing: who waits to become a member is only whom SCIM asked for, and no group is deleted by it.
   * A definition that says otherwise is written again as it should be.
   */
  function cleaned(
    id: string,
    known: Facts,
    before: Facts | null | undefined,
  ): Pick<Row, 'known' | 'changes' | 'dueAt'> {
    const definition = definitionOf(id, known);
    if (definition === undefined) return { known, changes: [], dueAt: null };
    const pending = definitionOf(id, before ?? null)?.pending ?? [];
    const deleting = before === undefined && definition.deleting;
    const facts = definitionFacts(id, { ...definition, pending, deleting });
    if (stableJson(facts) === stableJson(known)) return { known, changes: [], dueAt: null };
    return { known, changes: [{ ...OWN, kind: 'edit', facts, at: asked }], dueAt: asked };
  }

  /** Nobody but the bridge writes there: what is missing was lost, and rights hang on it. */
  async function writeAgain(id: string): Promise<void> {
    await updateRow(store, unique, { tenant: shelf, id }, (row) => {
      if (!isQuiet(row) || row.known === null || row.tombstone !== null || row.verifiedAt > asked) return row;
      const change = { ...OWN, kind: 'create' as const, facts: row.known, at: asked };
      return { ...row, known: null, changes: [change], dueAt: asked } satisfies Row;
    });
    wake.at(clock());
  }
}

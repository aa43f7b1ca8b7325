/** Writing definitions: each is a change of its group's row, handed over like a change of a user; the holder is the user it is sent to. */
import { BridgeError } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import type { Definition } from '../../mapping/groups.ts';
import type { Submit } from '../requests/submit.ts';
import { accept, create as createRow, trust } from '../row/transitions.ts';
import type { Clock, Context } from '../ports/context.ts';
import type { Row } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { baseFacts, isCreation, isId, newChange, nextRevision, taken } from '../row/views.ts';
import { groupsOf } from '../row/kinds.ts';
import { definitionFacts, definitionOf } from './definitions.ts';
import { EVALUATED, TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';

export interface DefinitionChangesOptions {
  readonly tenant: string;
  readonly store: Store;
  /** of the tenant's groups */
  readonly submit: Submit;
  readonly clock: Clock;
}

/** What a request can vouch for. */
export type Trusted = typeof TRUSTED_DISPLAY_NAME | typeof TRUSTED_EXTERNAL_ID;

export interface DefinitionChanges {
  /** The row of a group that is there and not being deleted, with its definition, all that was asked included. Throws 404. */
  read(id: string): Promise<{ readonly row: Row; readonly definition: Definition }>;
  /** Whether a group is there, or on its way out. */
  standing(id: string): Promise<'there' | 'deleting' | 'gone'>;
  /**
   * Gives the id of the group that was made; of another one when an equal request has made that and was not answered yet. Throws 409
   * when the name has to be unique and is not, 503 when nothing was kept.
   */
  create(ctx: Context, id: string, definition: Definition, hash: string, deadline: number): Promise<string>;
  /**
   * Writes what `make` makes of the definition as it is by then; `said`: what of it SCIM says itself. False: nothing was to be
   * written. `later`: it is kept and left to the queue.
   */
  change(
    ctx: Context,
    id: string,
    make: (definition: Definition) => Definition,
    deadline: number,
    options?: { readonly said?: readonly Trusted[]; readonly later?: boolean },
  ): Promise<boolean>;
  remove(ctx: Context, id: string, deadline: number, later: boolean): Promise<void>;
}

export function createDefinitionChanges({ tenant, store, submit, clock }: DefinitionChangesOptions): DefinitionChanges {
  const keyOf = (id: string) => ({ tenant: groupsOf(tenant), id });

  async function find(id: string, hidden: boolean): Promise<{ readonly row: Row; readonly definition: Definition }> {
    const row = isId(id) ? await store.read(keyOf(id)) : undefined;
    const definition = row === undefined ? undefined : definitionOf(id, baseFacts(row));
    if (row === undefined || definition === undefined || (definition.deleting && !hidden)) throw absent();
    return { row, definition };
  }

  /** Whether it was written; false: somebody else wrote meanwhile. */
  async function written(row: Row, expect: number, deadline: number, later: boolean): Promise<boolean> {
    const outcome = await submit(row, expect, deadline, later).catch(asGroup);
    if (outcome.kind === 'refused') throw outcome.error;
    if (outcome.kind === 'name') throw taken(outcome.name);
    return outcome.kind === 'ok';
  }

  return {
    read: (id) => find(id, false),
    async standing(id) {
      const row = await store.read(keyOf(id));
      const definition = row === undefined ? undefined : definitionOf(id, baseFacts(row));
      return definition === undefined ? 'gone' : definition.deleting ? 'deleting' : 'there';
    },
    async create(ctx, id, definition, hash, deadline) {
      const at = clock();
      const facts = definitionFacts(id, definition);
      const change = newChange(ctx, { revision: 1, kind: 'create', facts, named: [], at });
      const row = createRow(keyOf(id), change, {
        trusted: [TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID],
        replay: { hash, open: true },
      });
      const outcome = await submit(row, 0, deadline).catch(asGroup);
      if (outcome.kind === 'ok') return id;
      if (outcome.kind === 'refused') throw outcome.error;
      if (outcome.kind === 'version') throw new Error('a new id was taken');
      if (isCreation(outcome.name)) return outcome.holder.id;
      throw taken(outcome.name);
    },
    async change(ctx, id, make, deadline, { said = [], later = false } = {}) {
      for (;;) {
        const { row, definition } = await find(id, false);
        const next = make(definition);
        const isSame = stableJson(next) === stableJson(definition);
        if (isSame && said.every((each) => row.trusted.includes(each))) return false;
        const at = clock();
        const facts = definitionFacts(id, next);
        const change = newChange(ctx, { revision: nextRevision(row), kind: 'edit', facts, named: [], at });
        // what SCIM says of the name is looked at by the rules again
        const wish = accept(trust(row, said, said.length === 0 ? [] : [EVALUATED]), change);
        if (await written(wish, row.version, deadline, later)) return true;
      }
    },
    async remove(ctx, id, deadline, later) {
      for (;;) {
        const { row } = await find(id, true);
        const change = newChange(ctx, {
          revision: nextRevision(row),
          kind: 'delete',
          facts: {},
          named: [],
          at: clock(),
        });
        if (await written(accept(row, change), row.version, deadline, later)) return;
      }
    },
  };
}

/** Rows are told of as users. */
function asGroup(error: unknown): never {
  throw error instanceof BridgeError && error.status === 404 ? absent() : error;
}

export const absent = (): BridgeError => new BridgeError(404, 'there is no group with this id');

/** Operator actions on the rows of one tenant: show, retry, drop, release. */
import { BridgeError } from '../../errors.ts';
import { conditionsOf } from '../../store/conditions.ts';
import { difference, type Facts } from '../../mapping/facts.ts';
import { dropDeadLetters, release, retryDeadLetters, schedule, tryNow, withdraw } from '../row/transitions.ts';
import type { Comparison, Done, Operator, QueueDetail, QueueEntry } from '../ports/operator.ts';
import type { Clock } from '../ports/context.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { ReadOutcome, Zitadel } from '../ports/zitadel.ts';
import type { Store } from '../ports/store.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Deliver } from '../delivery/target.ts';
import { believedFacts, indexOf, isSameRow, merged, unlessEmpty } from '../row/views.ts';
import { updateRow } from '../row/update-row.ts';

export interface QueueActionsOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'read'>;
  readonly deliver: Deliver;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  /** reads a user again unless it was read just now */
  readonly refresh: (id: string) => Promise<void>;
}

export type QueueActions = Pick<Operator, 'list' | 'show' | 'retry' | 'drop' | 'release'>;

export function createQueueActions(options: QueueActionsOptions): QueueActions {
  const { tenant, unique, store, zitadel, deliver: reconcile, scheduler: wake, clock } = options;
  async function rowOf(id: string): Promise<Row> {
    const row = await store.read({ tenant, id });
    if (row === undefined) throw new BridgeError(404, `there is no row ${id} of tenant ${tenant}`);
    return row;
  }

  /** Writes the row. `told` reports what was done; undefined: there was nothing to do. */
  async function change(
    id: string,
    make: (row: Row) => { readonly row: Row | null; readonly told: string } | undefined,
  ) {
    await rowOf(id);
    let told: string | undefined;
    await updateRow(
      store,
      unique,
      { tenant, id },
      (row) => {
        const made = make(row);
        told = made?.told;
        return made === undefined ? row : made.row;
      },
      true,
    );
    return told;
  }

  function nothing(id: string, what: string): BridgeError {
    return new BridgeError(409, `row ${id} has ${what}`);
  }

  async function deliver(key: Key): Promise<void> {
    wake.at(clock());
    await reconcile(key);
  }

  /** A dead create whose userName another row has by now is closed: that row replaced it. */
  async function isSuperseded(row: Row): Promise<boolean> {
    const other = async (name: string): Promise<Key | undefined> => {
      const holder = await store.reservedBy(unique.instance, name);
      return holder === undefined || isSameRow(holder, row) ? undefined : holder;
    };
    for (const name of indexOf(retryDeadLetters(row), unique).reservations) {
      const holder = await other(name);
      // it may have been renamed or deleted in ZITADEL since it was read
      if (holder?.tenant === tenant) await options.refresh(holder.id);
      if (holder !== undefined && (await other(name)) !== undefined) return true;
    }
    return false;
  }

  return {
    async list(condition, limit, after) {
      const entries: QueueEntry[] = [];
      for (let last = after; entries.length < limit; last = entries.at(-1)?.id) {
        const rows = await store.withCondition(tenant, condition, limit - entries.length, last);
        if (rows.length === 0) break;
        entries.push(...rows.map(entryOf));
      }
      return entries;
    },
    async show(id) {
      const row = await rowOf(id);
      return detailOf(row, await zitadel.read(id));
    },
    async retry(id) {
      const before = await rowOf(id);
      if (before.confirmed === null && before.deadLetters.length > 0 && (await isSuperseded(before))) {
        await change(id, (row) => ({ row: unlessEmpty(dropDeadLetters(row, () => true)), told: '' }));
        return done('its userName belongs to another user by now: the dead letter is closed');
      }
      const told = await change(id, (row) => {
        if (row.deadLetters.length > 0)
          return {
            row: tryNow(retryDeadLetters(row), clock()),
            told: `${row.deadLetters.length} dead letters were requeued`,
          };
        const waits = row.doubt || row.pending.some(({ onHold: held }) => !held);
        return waits ? { row: tryNow(row, clock()), told: 'tried now' } : undefined;
      });
      if (told === undefined) throw nothing(id, 'nothing to retry: no dead letter, nothing pending, nothing in doubt');
      await deliver({ tenant, id });
      const left = await store.read({ tenant, id });
      return done(`${told}; ${stateOf(left)}`);
    },
    async drop(id) {
      if (await store.forget({ tenant, id })) {
        await options.refresh(id);
        return done('its damaged record was discarded with its pending changes: it is read from ZITADEL again');
      }
      const told = await change(id, (row) => {
        const held = row.pending.filter((each) => each.onHold).length;
        if (held + row.deadLetters.length === 0) return undefined;
        const left = withdraw(
          dropDeadLetters(row, () => true),
          ({ onHold }) => onHold === true,
        );
        const next = row.doubt ? schedule(left, clock()) : left;
        return { row: next, told: `${row.deadLetters.length} dead letters and ${held} changes on hold were discarded` };
      });
      if (told === undefined) throw nothing(id, 'nothing to drop: no dead letter and nothing on hold');
      await deliver({ tenant, id });
      return done(told);
    },
    async release(id) {
      const told = await change(id, (row) => {
        const held = row.pending.filter((each) => each.onHold).length;
        return held === 0 ? undefined : { row: release(row, clock()), told: `${held} changes on hold were released` };
      });
      if (told === undefined) throw nothing(id, 'nothing on hold');
      await deliver({ tenant, id });
      return done(`${told}; ${stateOf(await store.read({ tenant, id }))}`);
    },
  };
}

const done = (told: string): Done => ({ rows: 1, told });

function stateOf(row: Row | undefined): string {
  if (row === undefined || row.pending.length + row.deadLetters.length === 0) return 'settled';
  if (row.deadLetters.length > 0) return `dead letter again: ${row.deadLetters[0]?.reason ?? ''}`;
  return `still pending: ${row.lastError ?? 'under way'}`;
}

function entryOf(row: Row): QueueEntry {
  const names = (facts: object): string[] => Object.keys(facts).filter((name) => name !== 'password');
  const { tenant, id, attempts, dueAt, lastError, blocked } = row;
  return {
    tenant,
    id,
    conditions: conditionsOf(row),
    pending: row.pending.map(({ revision, kind, acknowledged, who, txn, at, facts, onHold = false }) => {
      return { revision, kind, acknowledged, who, txn, at, facts: names(facts), onHold };
    }),
    deadLetters: row.deadLetters.map((letter) => ({ ...letter, facts: names(letter.facts) })),
    attempts,
    dueAt,
    lastError,
    blocked,
  };
}

function detailOf(row: Row, answer: ReadOutcome): QueueDetail {
  const { pending: changes } = retryDeadLetters(row);
  const asked = merged(believedFacts(row), changes);
  const has = answer.kind === 'found' ? answer.reading.facts : answer.kind === 'gone' ? {} : undefined;
  return {
    ...entryOf(row),
    zitadel: answer.kind === 'retry' || answer.kind === 'blocked' ? answer.reason : answer.kind,
    wish: changes.at(-1)?.kind ?? null,
    differences: compare(asked ?? {}, row.confirmed ?? {}, has),
  };
}

function compare(asked: Facts, confirmed: Facts, zitadel: Facts | undefined): Comparison[] {
  const names = new Set([
    ...Object.keys(difference(confirmed, asked)),
    ...Object.keys(difference(zitadel ?? confirmed, asked)),
  ]);
  names.delete('password');
  return [...names].toSorted().map((fact) => ({
    fact,
    asked: asked[fact] ?? null,
    known: confirmed[fact] ?? null,
    zitadel: zitadel === undefined ? undefined : (zitadel[fact] ?? null),
  }));
}

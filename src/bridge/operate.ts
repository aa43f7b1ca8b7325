/** What operators do to the rows of one tenant: look, retry, drop, release. */
import { BridgeError } from '../errors.ts';
import { difference, type Facts } from '../mapping/facts.ts';
import { revived } from './dead-letters.ts';
import { release } from './held.ts';
import type { Comparison, Done, Operator, QueueDetail, QueueEntry } from './operator.ts';
import type { Clock, Key, ReadOutcome, Row, Store, Trouble, Unique, Wake, Zitadel } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import { believedFacts, indexOf, isSameRow, merged, orNothing } from './rows.ts';
import { updateRow } from './writes.ts';

export interface OperateOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly zitadel: Pick<Zitadel, 'read'>;
  readonly reconcile: Reconcile;
  readonly wake: Wake;
  readonly clock: Clock;
  /** reads a user again that was not read just now */
  readonly refresh: (id: string) => Promise<void>;
}

export type Operate = Pick<Operator, 'list' | 'show' | 'retry' | 'drop' | 'release'>;

export function createOperate(options: OperateOptions): Operate {
  const { tenant, unique, store, zitadel, reconcile, wake, clock } = options;
  async function rowOf(id: string): Promise<Row> {
    const row = await store.read({ tenant, id });
    if (row === undefined) throw new BridgeError(404, `there is no row ${id} of tenant ${tenant}`);
    return row;
  }

  /** Writes the row. `told` says what was done; undefined: there was nothing to do. */
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

  /** A dead create whose userName another row has by now is closed: that row took its place. */
  async function isSuperseded(row: Row): Promise<boolean> {
    const other = async (name: string): Promise<Key | undefined> => {
      const holder = await store.holder(unique.instance, name);
      return holder === undefined || isSameRow(holder, row) ? undefined : holder;
    };
    for (const name of indexOf(revived(row), unique).reserved) {
      const holder = await other(name);
      // it may have been renamed or deleted in ZITADEL since it was read
      if (holder?.tenant === tenant) await options.refresh(holder.id);
      if (holder !== undefined && (await other(name)) !== undefined) return true;
    }
    return false;
  }

  return {
    async list(trouble, limit, after) {
      const entries: QueueEntry[] = [];
      for (let last = after; entries.length < limit; last = entries.at(-1)?.id) {
        const rows = await store.troubled(tenant, trouble, limit - entries.length, last);
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
      if (before.known === null && before.dead.length > 0 && (await isSuperseded(before))) {
        await change(id, (row) => ({ row: orNothing({ ...row, dead: [] }), told: '' }));
        return done('its userName belongs to another user by now: the dead create is closed');
      }
      const told = await change(id, (row) => {
        if (row.dead.length > 0)
          return {
            row: { ...revived(row), dueAt: clock(), attempts: 0 },
            told: `${row.dead.length} dead letters are owed again`,
          };
        const waits = row.doubt || row.changes.some(({ held }) => !held);
        return waits ? { row: { ...row, dueAt: clock(), attempts: 0, blocked: null }, told: 'tried now' } : undefined;
      });
      if (told === undefined) throw nothing(id, 'nothing to retry: no dead letter, nothing owed, nothing in doubt');
      await deliver({ tenant, id });
      const left = await store.read({ tenant, id });
      return done(`${told}; ${stateOf(left)}`);
    },
    async drop(id) {
      if (await store.forget({ tenant, id })) {
        await options.refresh(id);
        return done('its damaged record is forgotten, with what was owed: it is read from ZITADEL again');
      }
      const told = await change(id, (row) => {
        const held = row.changes.filter((each) => each.held).length;
        if (held + row.dead.length === 0) return undefined;
        const changes = row.changes.filter((each) => !each.held);
        const next = { ...row, changes, dead: [], dueAt: row.doubt ? clock() : row.dueAt };
        return { row: next, told: `${row.dead.length} dead letters and ${held} held changes are forgotten` };
      });
      if (told === undefined) throw nothing(id, 'nothing to drop: no dead letter and nothing held');
      await deliver({ tenant, id });
      return done(told);
    },
    async release(id) {
      const told = await change(id, (row) => {
        const held = row.changes.filter((each) => each.held).length;
        return held === 0
          ? undefined
          : { row: { ...release(row), dueAt: clock() }, told: `${held} held changes are sent` };
      });
      if (told === undefined) throw nothing(id, 'nothing held');
      await deliver({ tenant, id });
      return done(`${told}; ${stateOf(await store.read({ tenant, id }))}`);
    },
  };
}

const done = (told: string): Done => ({ rows: 1, told });

function stateOf(row: Row | undefined): string {
  if (row === undefined || row.changes.length + row.dead.length === 0) return 'settled';
  if (row.dead.length > 0) return `dead again: ${row.dead[0]?.reason ?? ''}`;
  return `still owed: ${row.lastError ?? 'under way'}`;
}

const TROUBLES: readonly (readonly [Trouble, (row: Row) => boolean])[] = [
  ['owed', (row) => row.changes.some(({ held }) => !held)],
  ['doubt', (row) => row.doubt],
  ['dead', (row) => row.dead.length > 0],
  ['held', (row) => row.changes.some(({ held }) => held)],
  ['blocked', (row) => row.blocked !== null],
  ['hidden', (row) => row.hidden !== null],
];

function entryOf(row: Row): QueueEntry {
  const names = (facts: object): string[] => Object.keys(facts).filter((name) => name !== 'password');
  const { tenant, id, attempts, dueAt, lastError, blocked } = row;
  return {
    tenant,
    id,
    troubles: TROUBLES.flatMap(([trouble, has]) => (has(row) ? [trouble] : [])),
    changes: row.changes.map(({ revision, kind, answered, who, txn, at, facts, held = false }) => {
      return { revision, kind, answered, who, txn, at, facts: names(facts), held };
    }),
    dead: row.dead.map((letter) => ({ ...letter, facts: names(letter.facts) })),
    attempts,
    dueAt,
    lastError,
    blocked,
  };
}

function detailOf(row: Row, answer: ReadOutcome): QueueDetail {
  const { changes } = revived(row);
  const asked = merged(believedFacts(row), changes);
  const has = answer.kind === 'found' ? answer.reading.facts : answer.kind === 'gone' ? {} : undefined;
  return {
    ...entryOf(row),
    zitadel: answer.kind === 'retry' || answer.kind === 'blocked' ? answer.reason : answer.kind,
    wish: changes.at(-1)?.kind ?? null,
    differences: compare(asked ?? {}, row.known ?? {}, has),
  };
}

function compare(asked: Facts, known: Facts, zitadel: Facts | undefined): Comparison[] {
  const names = new Set([
    ...Object.keys(difference(known, asked)),
    ...Object.keys(difference(zitadel ?? known, asked)),
  ]);
  names.delete('password');
  return [...names].toSorted().map((fact) => ({
    fact,
    asked: asked[fact] ?? null,
    known: known[fact] ?? null,
    zitadel: zitadel === undefined ? undefined : (zitadel[fact] ?? null),
  }));
}

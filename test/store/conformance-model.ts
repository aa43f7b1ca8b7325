/** Conformance: any order of commands does to the store what it does to a Map. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type {
  IndexName,
  Member,
  MemberSet,
  Store,
  Condition,
  Write,
  WriteResult,
} from '../../src/bridge/ports/store.ts';
import type { Key, Row } from '../../src/bridge/row/types.ts';
import { allDue, allMembers, allTroubled, change, deadLetter, scanned, TROUBLES, write } from './rows.ts';

/** Rows by `tenant id`. Tenants and ZITADELs of a run are its own: the runs share a store. */
interface Model {
  readonly run: number;
  readonly rows: Map<string, Write>;
  /** by `tenant group`, as they were when they were last looked at */
  readonly sets: Map<string, MemberSet>;
}

type Command = fc.AsyncCommand<Model, Store>;

const place = ({ tenant, id }: Key): string => `${tenant} ${id}`;
const text = fc.constantFrom('ann', 'Ann', 'bob', 'BOB');
const GROUPS = ['g', 'h', 'i'];
const inOrder = (left: Write, right: Write): number =>
  (left.row?.created ?? 0) - (right.row?.created ?? 0) || (left.key.id < right.key.id ? -1 : 1);

const visible = (model: Model, tenant: string): Write[] =>
  [...model.rows.values()].filter(({ key, index }) => key.tenant === tenant && index.visible).toSorted(inOrder);

const membersOf = (model: Model, tenant: string, group: string): Member[] =>
  visible(model, tenant)
    .filter(({ index }) => index.memberships.includes(group))
    .map(({ key, index }) => ({ id: key.id, display: index.display }))
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));

const rowsOf = (writes: readonly Write[]) => writes.map(({ row }) => row);

const command = (name: string, run: (model: Model, store: Store) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name,
});

const wish = fc.record({
  tenant: fc.constantFrom('s', 't'),
  id: fc.constantFrom('1', '2', '3', '4'),
  durable: fc.boolean(),
  remove: fc.boolean(),
  stale: fc.integer({ min: 0, max: 7 }).map((n) => (n === 0 ? 1 : 0)),
  created: fc.integer({ min: 1, max: 3 }),
  dueAt: fc.option(fc.integer({ min: 1, max: 3 })),
  asked: fc.array(fc.record({ at: fc.integer({ min: 1, max: 9 }), held: fc.boolean() }), { maxLength: 3 }),
  doubt: fc.boolean(),
  dead: fc.nat(2),
  blocked: fc.option(text),
  hidden: fc.option(fc.nat()),
  index: fc.record({
    visible: fc.boolean(),
    userName: fc.option(text),
    externalId: fc.option(text),
    emails: fc.array(text, { maxLength: 2 }),
    reservations: fc.array(fc.constantFrom('ann', 'bob', 'cid'), { maxLength: 2 }),
    memberships: fc.array(fc.constantFrom(...GROUPS), { maxLength: 4 }),
    display: fc.option(text),
    instance: fc.constantFrom('x', 'y'),
  }),
});

function expected(model: Model, { key, expect, row, index }: Write): WriteResult {
  if ((model.rows.get(place(key))?.row?.version ?? 0) !== expect) return { kind: 'version' };
  for (const name of row === null ? [] : index.reservations) {
    for (const other of model.rows.values()) {
      if (place(other.key) === place(key) || other.index.instance !== index.instance) continue;
      if (other.index.reservations.includes(name)) return { kind: 'name', name, holder: other.key };
    }
  }
  return { kind: 'ok' };
}

const writes = wish.map((given) =>
  command(`write ${JSON.stringify(given)}`, async (model, store) => {
    const key = { tenant: `${model.run}-${given.tenant}`, id: given.id };
    const version = (model.rows.get(place(key))?.row?.version ?? 0) + 1 + given.stale;
    const { created, dueAt, doubt, blocked } = given;
    const changes = given.asked.map(({ at, held }, n) => change({ revision: n, at, ...(held && { onHold: held }) }));
    const dead = Array.from({ length: given.dead }, (_, revision) => deadLetter({ revision }));
    const index = { ...given.index, instance: `${model.run}-${given.index.instance}` };
    const wanted = write(key, { version, created, dueAt, doubt, blocked, pending: changes, deadLetters: dead }, index);
    const asked = given.remove ? { ...wanted, row: null } : wanted;
    const result = expected(model, asked);
    assert.deepEqual(await store.write(asked, { durable: given.durable }), result);
    if (result.kind !== 'ok') return;
    const before = GROUPS.map((group) => membersOf(model, key.tenant, group));
    if (asked.row === null) model.rows.delete(place(key));
    else model.rows.set(place(key), asked);
    for (const [n, group] of GROUPS.entries()) {
      const [had, has] = [before[n]?.length ?? 0, membersOf(model, key.tenant, group).length];
      const { sets } = model;
      const last = sets.get(`${key.tenant} ${group}`) ?? { count: 0, revision: 0, modified: 0 };
      const set = await store.memberSet(key.tenant, group);
      if (had === has) assert.deepEqual(set, last);
      else
        assert.ok(set.count === has && set.revision > last.revision && set.modified > 0, `${group}: ${set.revision}`);
      sets.set(`${key.tenant} ${group}`, set);
    }
  }),
);

const reads = fc.tuple(fc.constantFrom('s', 't'), fc.constantFrom('1', '2', '3', '4')).map(([tenant, id]) =>
  command(`read ${tenant} ${id}`, async (model, store) => {
    const key = { tenant: `${model.run}-${tenant}`, id };
    assert.deepEqual(await store.read(key), model.rows.get(place(key))?.row ?? undefined);
  }),
);

const finds = fc.tuple(fc.constantFrom<IndexName>('userName', 'externalId', 'email'), text).map(([by, value]) =>
  command(`find ${by} ${value}`, async (model, store) => {
    const same = (held: string | null) =>
      by === 'externalId' ? held === value : held?.toLowerCase() === value.toLowerCase();
    const found = visible(model, `${model.run}-s`).filter(({ index }) =>
      by === 'email' ? index.emails.some(same) : same(index[by]),
    );
    assert.deepEqual(await store.find(`${model.run}-s`, by, value), rowsOf(found));
  }),
);

const lists = fc.tuple(fc.nat(4), fc.nat(4)).map(([offset, limit]) =>
  command(`page ${offset} ${limit}`, async (model, store) => {
    const all = visible(model, `${model.run}-s`);
    const rows = rowsOf(all.slice(offset, offset + limit));
    assert.deepEqual(await store.page(`${model.run}-s`, offset, limit), { rows, total: all.length });
  }),
);

const scans = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('0', '1', '2', '3', '4')).map(([created, id]) =>
  command(`scan from behind ${created} ${id}`, async (model, store) => {
    const behind = visible(model, `${model.run}-s`).filter(
      ({ key, row }) => row !== null && (row.created > created || (row.created === created && key.id > id)),
    );
    assert.deepEqual(await scanned(store, `${model.run}-s`, { created, id }), rowsOf(behind));
  }),
);

/** When each change was asked that is owed. */
const owed = ({ pending: changes }: Row): number[] => changes.filter(({ onHold: held }) => !held).map(({ at }) => at);

const inTrouble: Readonly<Record<Condition, (row: Row) => boolean>> = {
  owed: (row) => owed(row).length > 0,
  doubt: (row) => row.doubt,
  dead: (row) => row.deadLetters.length !== 0,
  held: (row) => row.pending.length > owed(row).length,
  blocked: (row) => row.blocked !== null,
  hidden: (row) => row.hidden !== null,
};

const sights = fc.constant(command('scan, counts, troubled, members, due, holder', compare));

async function compare(model: Model, store: Store): Promise<void> {
  const all = [...model.rows.values()];
  for (const tenant of [`${model.run}-s`, `${model.run}-t`]) {
    const own = all.flatMap(({ key, row }) => (key.tenant === tenant && row !== null ? [row] : []));
    const shown = visible(model, tenant);
    assert.deepEqual(await scanned(store, tenant), rowsOf(shown));
    const { rows, ...conditions } = await store.counts(tenant);
    assert.equal(rows, shown.length);
    for (const condition of TROUBLES) {
      const wanted = own.filter(inTrouble[condition]).toSorted((left, right) => (left.id < right.id ? -1 : 1));
      assert.deepEqual(await allTroubled(store, tenant, condition, 2), wanted, condition);
      assert.equal(conditions[condition], wanted.length, condition);
    }
    for (const group of GROUPS) {
      assert.deepEqual(await allMembers(store, tenant, group, 2), membersOf(model, tenant, group), group);
      const set = await store.memberSet(tenant, group);
      assert.deepEqual(set, model.sets.get(`${tenant} ${group}`) ?? { count: 0, revision: 0, modified: 0 }, group);
    }
    const asked = own.flatMap(owed);
    assert.equal(await store.oldestPending(tenant), asked.length === 0 ? undefined : Math.min(...asked));
    const times = own.flatMap(({ id, dueAt }) => (dueAt === null ? [] : [{ id, dueAt }]));
    times.sort((left, right) => left.dueAt - right.dueAt || (left.id < right.id ? -1 : 1));
    assert.equal(await store.nextDue(tenant), times[0]?.dueAt);
    assert.deepEqual(
      await allDue(store, tenant, 2, 2),
      times.filter(({ dueAt }) => dueAt <= 2),
    );
  }
  for (const instance of [`${model.run}-x`, `${model.run}-y`]) {
    for (const name of ['ann', 'bob', 'cid']) {
      const holder = all.find(({ index }) => index.instance === instance && index.reservations.includes(name));
      assert.deepEqual(await store.reservedBy(instance, name), holder?.key);
    }
  }
}

export function modelConformance(current: () => Store, reopen: () => Promise<Store>): void {
  it('does what a Map does, in any order of commands, and after a restart', async () => {
    const models: Model[] = [];
    const begin = () => {
      const model: Model = { run: models.length, rows: new Map(), sets: new Map() };
      models.push(model);
      return { model, real: current() };
    };
    await fc.assert(
      fc.asyncProperty(
        fc.commands([writes, writes, writes, reads, finds, lists, scans, sights], { maxCommands: 50 }),
        (commands) => fc.asyncModelRun(begin, commands),
      ),
      { numRuns: 200 },
    );
    const store = await reopen();
    for (const model of models) await compare(model, store);
  });
}

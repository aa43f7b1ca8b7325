/** Users of one tenant: create, edit, remove, read. Each write: append a change, reconcile inline, answer. */
import { BridgeError } from '../errors.ts';
import { difference, type Facts, type FactsChange } from '../mapping/facts.ts';
import { factsOf, fromFacts, isWhole, toFacts } from '../mapping/users.ts';
import { hashPassword } from './passwords.ts';
import type { Clock, Context, Ids, Key, Lease, PasswordRules, Row, Store } from './ports.ts';
import type { Reconcile } from './reconcile.ts';
import {
  baseFacts,
  emptyRow,
  etagOf,
  indexOf,
  keyOf,
  newChange,
  nextRevision,
  resourceOf,
  shownFacts,
} from './rows.ts';
import type { Result, Settlements } from './settlements.ts';
import type { Timing } from './timing.ts';
import type { Edit, ScimUser, UserResource, Users } from './use-cases.ts';
import type { View } from './view.ts';
import { updateRow } from './writes.ts';

export interface UsersOptions {
  readonly tenant: string;
  readonly instance: string;
  readonly store: Store;
  readonly view: View;
  readonly reconcile: Reconcile;
  readonly settlements: Settlements;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
  readonly uniqueExternalId: boolean;
  /** undefined: passwords are ignored. Else the organization's rules, as sync last read them; throws 503 while there are none */
  readonly passwordRules: (() => PasswordRules) | undefined;
}

const taken = (): BridgeError =>
  new BridgeError(
    409,
    'userName is already taken by another user in ZITADEL: user names are unique over all its organizations',
    {
      scimType: 'uniqueness',
    },
  );

const away = (retryAfter: number, reason: string): BridgeError => new BridgeError(503, reason, { retryAfter });

export function createUsers(options: UsersOptions): Users {
  const { tenant, instance, store, view, reconcile, settlements, clock, timing } = options;

  /** Delivers an appended change and waits for its result, at most until `deadline`. */
  async function deliver(
    key: Key,
    revision: number,
    lease: Lease | undefined,
    fresh: boolean,
    result: Promise<Result>,
    deadline: number,
  ): Promise<void> {
    reconcileHeld(key, lease, fresh).catch((error: unknown) => {
      if (!(error instanceof BridgeError)) throw error;
      settlements.publish(key, revision, { kind: 'away', retryAfter: error.retryAfter ?? 5, reason: error.message });
    });
    const ended = await within(result, deadline - clock());
    if (ended === undefined) {
      settlements.forget(key, revision);
      throw away(5, 'ZITADEL has not answered in time; the change may still be applied, try again');
    }
    if (ended.kind === 'refused') throw ended.error;
    if (ended.kind === 'away') throw away(ended.retryAfter, 'ZITADEL cannot be reached now; try again later');
    if (ended.kind === 'gone') throw new BridgeError(404, 'There is no user with this id');
  }

  /** A lease on a row that was in doubt before is let go: reconcile has to read ZITADEL first. */
  async function reconcileHeld(key: Key, lease: Lease | undefined, fresh: boolean): Promise<void> {
    if (lease !== undefined && !fresh) await store.release(lease);
    return reconcile(key, fresh ? lease : undefined);
  }

  /** Whoever holds the name: waits until that row is decided. Gives the holder when the name is truly taken. */
  async function heldBy(holder: Key, name: string, deadline: number): Promise<Row | undefined> {
    for (;;) {
      const row = await store.read(holder);
      if (row === undefined || row.tombstone !== null) return undefined;
      if (row.changes.length === 0 && !row.doubt) break;
      if (clock() >= deadline) throw away(5, 'Another request for this userName is not decided yet; try again');
      await settlements.next(holder, Math.min(250, deadline - clock()));
    }
    if (holder.tenant !== tenant) return store.read(holder);
    try {
      const row = await view.row(holder.id, timing.believed); // it may have been renamed or deleted in ZITADEL since
      return indexOf(row, instance).reserved.includes(name) ? row : undefined;
    } catch (error) {
      if (error instanceof BridgeError && error.status === 404) return undefined;
      throw error;
    }
  }

  async function checkExternalId(facts: FactsChange, id: string): Promise<void> {
    const externalId = facts['urn:zitadel:scim:externalId'];
    if (!options.uniqueExternalId || typeof externalId !== 'string') return;
    const others = await view.externalIds(externalId);
    if (others.some((row) => row.id !== id))
      throw new BridgeError(409, 'externalId is already used by another user', { scimType: 'uniqueness' });
  }

  async function passwordFact(clear: string | undefined): Promise<Facts> {
    if (clear === undefined || options.passwordRules === undefined) return {};
    return { password: await hashPassword(clear, options.passwordRules()) };
  }

  function created(row: Row, facts: Facts): { resource: UserResource; delivered: () => void } {
    const close = (now: Row): Row =>
      now.createMark?.open === true ? { ...now, createMark: { ...now.createMark, open: false } } : now;
    return {
      resource: resourceOf(row, facts),
      delivered: () => void updateRow(store, instance, keyOf(row), close).catch(() => undefined),
    };
  }

  async function create(
    ctx: Context,
    { user, password, hash }: Parameters<Users['create']>[1],
  ): ReturnType<Users['create']> {
    const deadline = clock() + timing.answerWithin;
    const key = { tenant, id: options.ids() };
    const facts = { ...toFacts(user, key.id), ...(await passwordFact(password)) };
    await checkExternalId(facts, key.id);
    const now = clock();
    const blank = emptyRow(key, now);
    const change = newChange(ctx, { revision: nextRevision(blank), kind: 'create', facts, named: [], at: now });
    const row: Row = {
      ...blank,
      version: 1,
      changes: [change],
      doubt: true,
      dueAt: now + timing.lease,
      createMark: { hash, open: true },
    };
    const lease = await store.lease(key, timing.lease);
    const result = settlements.expect(key, change.revision);
    try {
      for (;;) {
        const written = await store.write({ key, expect: 0, row, index: indexOf(row, instance) }, { durable: true });
        if (written.kind === 'ok') break;
        if (written.kind !== 'name') continue;
        const holder = await heldBy(written.holder, written.name, deadline);
        if (holder === undefined) continue;
        const shown = shownFacts(holder);
        const repeat = holder.tenant === tenant && holder.createMark?.open === true && holder.createMark.hash === hash;
        if (!repeat || shown === null) throw taken();
        if (lease !== undefined) await store.release(lease);
        settlements.forget(key, change.revision);
        return created(holder, shown);
      }
    } catch (error) {
      settlements.forget(key, change.revision);
      if (lease !== undefined) await store.release(lease);
      throw error;
    }
    await deliver(key, change.revision, lease, lease !== undefined, result, deadline);
    const settled = await store.read(key);
    const shown = settled === undefined ? null : shownFacts(settled);
    if (settled === undefined || shown === null) throw away(5, 'The user was removed while it was made; try again');
    return created(settled, shown);
  }

  /** Writes a change on top of what the row says now. undefined: somebody else wrote it meanwhile, look again. */
  async function append(
    ctx: Context,
    row: Row,
    change: { kind: 'edit' | 'delete'; facts: FactsChange; named: readonly string[] },
    deadline: number,
  ): Promise<boolean> {
    const key = keyOf(row);
    const made = newChange(ctx, { ...change, revision: nextRevision(row), at: clock() });
    const lease = await store.lease(key, timing.lease);
    const fresh = lease !== undefined && !row.doubt;
    const next: Row = {
      ...row,
      version: row.version + 1,
      changes: [...row.changes, made],
      doubt: row.doubt || fresh,
      dueAt: clock() + timing.lease,
    };
    const result = settlements.expect(key, made.revision);
    try {
      const written = await store.write(
        { key, expect: row.version, row: next, index: indexOf(next, instance) },
        { durable: true },
      );
      if (written.kind !== 'ok') {
        settlements.forget(key, made.revision);
        if (lease !== undefined) await store.release(lease);
        if (written.kind === 'name' && (await heldBy(written.holder, written.name, deadline)) !== undefined)
          throw taken();
        return false;
      }
    } catch (error) {
      settlements.forget(key, made.revision);
      if (lease !== undefined) await store.release(lease);
      throw error;
    }
    await deliver(key, made.revision, lease, fresh, result, deadline);
    return true;
  }

  async function edit(ctx: Context, id: string, wish: Edit): Promise<UserResource> {
    const deadline = clock() + timing.answerWithin;
    const password = await passwordFact(wish.password);
    let row = await view.row(id, readsFirst(wish) ? timing.believed : Number.POSITIVE_INFINITY);
    for (;;) {
      const base = baseFacts(row);
      if (base === null) throw new BridgeError(404, 'There is no user with this id');
      checkMatch(wish.ifMatch, row);
      const before = fromFacts(base);
      const { user, touched } = wish.apply(before);
      if (clock() - row.verifiedAt > timing.viewMaxAge && needsTruth(touched, user)) {
        row = await view.row(id, timing.viewMaxAge);
        if (clock() - row.verifiedAt <= timing.viewMaxAge) continue;
      }
      const was = toFacts(before, id);
      const { facts: wanted, refusal } = wantedFacts(user, was, id);
      await checkExternalId(difference(was, wanted), id);
      const named =
        wish.method === 'PUT' ? ['state'] : refusal === undefined ? [...new Set(touched.flatMap(factsOf))] : ['state'];
      const facts = {
        ...named_(named, was, wanted),
        ...difference(was, wanted),
        ...(refusal === undefined ? password : {}),
      };
      const believed = clock() - row.verifiedAt <= timing.believed && row.changes.length === 0 && !row.doubt;
      const nothing =
        Object.keys(password).length === 0 &&
        Object.keys(difference(was, wanted)).length === 0 &&
        (believed || named.length === 0);
      if (nothing || (await append(ctx, row, { kind: 'edit', facts, named }, deadline))) {
        if (refusal !== undefined) throw refusal;
        const now = await view.row(id, Number.POSITIVE_INFINITY);
        return resourceOf(now, shownFacts(now) ?? {});
      }
      row = await view.row(id, Number.POSITIVE_INFINITY);
    }
  }

  async function remove(ctx: Context, id: string, ifMatch?: readonly string[]): Promise<void> {
    const deadline = clock() + timing.answerWithin;
    for (;;) {
      const row = await view.row(id, ifMatch === undefined ? Number.POSITIVE_INFINITY : timing.believed);
      checkMatch(ifMatch, row);
      if (await append(ctx, row, { kind: 'delete', facts: {}, named: [] }, deadline)) return;
    }
  }

  return {
    create,
    edit,
    remove,
    list: (_ctx, query) => view.list(query),
    async get(_ctx, id) {
      const row = await view.row(id);
      return resourceOf(row, shownFacts(row) ?? {});
    },
  };
}

/** Every PUT and every write with If-Match is judged against what ZITADEL has now. */
const readsFirst = (wish: Edit): boolean => wish.method === 'PUT' || wish.ifMatch !== undefined;

/** A PATCH inside a list builds on the list; clearing a nickname sends the names along: neither must build on an old view. */
const needsTruth = (touched: readonly string[], user: ScimUser): boolean =>
  touched.some((path) => isWhole(path) || (path === 'nickName' && user['nickName'] === undefined));

/** The named facts at the value that is wanted, also when it is not new. */
function named_(named: readonly string[], was: Facts, wanted: Facts): FactsChange {
  return Object.fromEntries(
    named.filter((fact) => fact in was || fact in wanted).map((fact) => [fact, wanted[fact] ?? null]),
  );
}

/** No refusal of another attribute keeps a leaver active: of a wish with a bad value the deactivation is carried out all the same. */
function wantedFacts(user: ScimUser, was: Facts, id: string): { facts: Facts; refusal?: BridgeError } {
  try {
    return { facts: toFacts(user, id) };
  } catch (error) {
    if (!(error instanceof BridgeError) || user['active'] !== false) throw error;
    const refusal = new BridgeError(error.status, `${error.message} (the user was deactivated all the same)`, {
      scimType: 'invalidValue',
    });
    return { facts: { ...was, state: 'inactive' }, refusal };
  }
}

/** RFC 7644 §3.14: 412 when none of the ETags is the resource's. */
function checkMatch(ifMatch: readonly string[] | undefined, row: Row): void {
  if (ifMatch === undefined || ifMatch.includes('*')) return;
  const facts = shownFacts(row);
  const etag = facts === null ? '' : etagOf(fromFacts(facts));
  if (!ifMatch.includes(etag))
    throw new BridgeError(412, 'The user has changed since: read it again and repeat the change');
}

/** The value, or undefined after `ms`. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, ms));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

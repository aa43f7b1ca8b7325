/** PUT and PATCH: what the client makes of the user as it is becomes a change of facts. */
import { BridgeError, withNote } from '../../errors.ts';
import { difference, type Facts, type FactsChange } from '../../mapping/facts.ts';
import { factsOf, isWhole, toFacts } from '../../mapping/users.ts';
import { contended, type Submit } from './submit.ts';
import type { HeldBy } from './unique-names.ts';
import { accept, closeReplay, narrow, withdraw } from '../row/transitions.ts';
import type { Change, Row } from '../row/types.ts';
import type { Clock, Context } from '../ports/context.ts';
import {
  absent,
  isSameChange,
  baseFacts,
  DEACTIVATED,
  etagOf,
  type NameOf,
  newChange,
  nextRevision,
  resourceOf,
  shownFacts,
  taken,
  deliverable,
  userOf,
} from '../row/views.ts';
import type { Waiters } from '../delivery/waiters.ts';
import type { Timing } from '../timing.ts';
import type { Edit, ScimUser, Users } from './use-cases.ts';
import { checkSize } from './user-size.ts';
import type { View } from './read-users.ts';

export interface EditUserOptions {
  readonly view: View;
  readonly submit: Submit;
  readonly heldBy: HeldBy;
  readonly waiters: Waiters;
  readonly passwordFact: (clear: string | undefined) => Promise<Facts>;
  readonly nameOf: NameOf;
  readonly clock: Clock;
  readonly timing: Timing;
}

/** Any age of the view will do. */
const ANY_AGE = Number.POSITIVE_INFINITY;

export function createEditUser(options: EditUserOptions): Pick<Users, 'edit' | 'remove'> {
  const { view, submit, heldBy, waiters, passwordFact, clock, timing } = options;
  // a clock that was set back makes nothing fresh
  const age = (row: Row): number => Math.abs(clock() - row.verifiedAt);

  /**
   * Puts a change on top of what the row says. 'again': somebody else wrote it, or a name came free; look again.
   * An error: nothing of it was kept.
   */
  async function append(
    ctx: Context,
    row: Row,
    change: Pick<Change, 'kind' | 'facts' | 'named'>,
    deadline: number,
  ): Promise<'done' | 'again' | BridgeError> {
    if (clock() >= deadline) throw contended();
    const made = newChange(ctx, { ...change, revision: nextRevision(row), at: clock() });
    // whoever creates it again now does not mean the answer it lost
    const next = accept(closeReplay(withoutSame(row, made)), made);
    const written = await submit(next, row.version, deadline);
    if (written.kind === 'refused') return written.error;
    if (written.kind === 'name' && (await heldBy(written.holder, written.name, deadline)) !== undefined)
      return taken(written.name);
    return written.kind === 'ok' ? 'done' : 'again';
  }

  /** No refusal of another attribute keeps a leaver active: of a wish that was refused the deactivation is carried out all the same. */
  async function refused(ctx: Context, id: string, facts: FactsChange, why: BridgeError, deadline: number) {
    if (facts['state'] !== 'inactive' || Object.keys(facts).length === 1) return why;
    for (;;) {
      const row = await view.row(id, ANY_AGE);
      const change = { kind: 'edit', facts: { state: 'inactive' }, named: ['state'] } as const;
      const left = await append(ctx, row, change, deadline);
      if (left instanceof BridgeError) return why;
      if (left === 'done') return withNote(why, DEACTIVATED);
    }
  }

  /** A client that repeats a wish which nobody answered replaces it, unless somebody waits for it. */
  function withoutSame(row: Row, made: Change): Row {
    const last = row.pending.at(-1);
    const isSame = last !== undefined && !last.acknowledged && isSameChange(last, made) && row.calling === null;
    return isSame && !waiters.awaited(row, last) ? withdraw(row, (change) => change === last) : row;
  }

  async function edit(ctx: Context, id: string, wish: Edit): ReturnType<Users['edit']> {
    const deadline = clock() + timing.answerWithinMs;
    const password = await passwordFact(wish.password).catch(asRefusal);
    for (
      let row = await view.row(id, readsFirst(wish) ? timing.believedMs : ANY_AGE);
      ;
      row = await view.row(id, ANY_AGE)
    ) {
      checkMatch(wish.ifMatch, row);
      const before = baseUser(row);
      const { user, touched, malformed } = applied(wish, before);
      if (age(row) > timing.viewMaxAgeMs && needsTruth(touched, user)) {
        const read = await view.row(id);
        if (read.version !== row.version) continue; // else ZITADEL is away: build on what is known
      }
      const was = toFacts(before, id);
      const { facts: wanted, refusal = malformed } = wantedFacts({ user, touched }, before, was, id, password);
      const differs = difference(wish.method === 'PUT' ? sentFacts(row, was) : was, wanted);
      const isBlind = wish.method === 'PUT' && age(row) > timing.viewMaxAgeMs;
      const all = isBlind ? Object.keys({ ...was, ...wanted }).filter((fact) => fact !== 'username') : ['state'];
      const named =
        refusal !== undefined ? ['state'] : wish.method === 'PUT' ? all : [...new Set(touched.flatMap(factsOf))];
      const secret = refusal === undefined && !(password instanceof BridgeError) ? password : {};
      const facts = { ...atValue(named, was, wanted), ...differs, ...secret };
      const asks = Object.keys(differs).length > 0 || 'password' in secret || (named.length > 0 && !isCertain(row));
      const done = asks ? await append(ctx, row, { kind: 'edit', facts, named }, deadline) : 'done';
      if (done === 'again') continue;
      if (done instanceof BridgeError)
        throw touched.includes('active') ? await refused(ctx, id, facts, done, deadline) : done;
      if (refusal !== undefined) throw refusal;
      const now = await view.row(id, ANY_AGE);
      return resourceOf(now, shownFacts(now) ?? {}, options.nameOf);
    }
  }

  /** Known was confirmed a moment ago and nothing is on its way: what is named at its value is so already. */
  function isCertain(row: Row): boolean {
    return age(row) <= timing.believedMs && row.pending.length === 0 && !row.doubt && row.hidden === null;
  }

  async function remove(ctx: Context, id: string, ifMatch?: readonly string[]): Promise<void> {
    const deadline = clock() + timing.answerWithinMs;
    for (;;) {
      const row = await view.row(id, ifMatch === undefined ? ANY_AGE : timing.believedMs);
      checkMatch(ifMatch, row);
      const done = await append(ctx, row, { kind: 'delete', facts: {}, named: [] }, deadline);
      if (done === 'done') return;
      if (done !== 'again') throw done;
    }
  }

  return { edit, remove };
}

/** Every PUT and every write with If-Match is judged against what ZITADEL has now. */
const readsFirst = (wish: Edit): boolean => wish.method === 'PUT' || wish.ifMatch !== undefined;

/** A PATCH inside a list builds on the list; clearing a nickname sends the names along: neither must build on an old view. */
const needsTruth = (touched: readonly string[], user: ScimUser): boolean =>
  touched.some((path) => isWhole(path) || (path === 'nickName' && user['nickName'] === undefined));

/** A delete that nobody was told of may be refused, and then this is done; else it ends as the delete does: the user is gone. */
function baseUser(row: Row): ScimUser {
  const isUncertain = ({ kind, acknowledged, abandoned }: Change): boolean =>
    kind === 'delete' && !acknowledged && abandoned !== true;
  const base = baseFacts(row.pending.some(isUncertain) ? withdraw(row, isUncertain) : row);
  if (base === null) throw absent();
  return userOf(base);
}

/** A PUT says all of the user: what is only held counts as not asked. */
function sentFacts(row: Row, was: Facts): Facts {
  const base = baseFacts(narrow(row, deliverable(row)));
  return base === null || deliverable(row) === row.pending ? was : toFacts(userOf(base), row.id);
}

/** What the wish makes of the user; of one that cannot be read whole the deactivation stays. */
function applied(wish: Edit, before: ScimUser): ReturnType<Edit['apply']> & { readonly malformed?: BridgeError } {
  try {
    return wish.apply(before);
  } catch (error) {
    if (!(error instanceof BridgeError) || wish.leaves?.() !== true) throw error;
    return { user: { ...before, active: false }, touched: ['active'], malformed: withNote(error, DEACTIVATED) };
  }
}

/** The named facts at the value that is wanted, also when it is not new. */
function atValue(named: readonly string[], was: Facts, wanted: Facts): FactsChange {
  const there = named.filter((fact) => fact in was || fact in wanted);
  return Object.fromEntries(there.map((fact) => [fact, wanted[fact] ?? null]));
}

/** No refusal of another attribute keeps a leaver active: of a wish with a bad value the deactivation is carried out all the same. */
function wantedFacts(
  { user, touched }: ReturnType<Edit['apply']>,
  before: ScimUser,
  was: Facts,
  id: string,
  password: Facts | BridgeError,
): { readonly facts: Facts; readonly refusal?: BridgeError } {
  try {
    if (password instanceof BridgeError) throw password;
    checkSize(user, before);
    return { facts: toFacts(user, id) };
  } catch (error) {
    const leaves = user['active'] === false && touched.includes('active');
    if (!(error instanceof BridgeError) || !leaves) throw error;
    return { facts: { ...was, state: 'inactive' }, refusal: withNote(error, DEACTIVATED) };
  }
}

/** A password that the organization's rules refuse; an outage is thrown on. */
function asRefusal(error: unknown): BridgeError {
  if (error instanceof BridgeError && error.status === 400) return error;
  throw error;
}

/** RFC 7644 §3.14: 412 when none of the ETags is the resource's. Changes on their way count: of two writers with one ETag one is late. */
function checkMatch(ifMatch: readonly string[] | undefined, row: Row): void {
  if (ifMatch === undefined || ifMatch.includes('*')) return;
  if (!ifMatch.includes(etagOf(baseUser(row))))
    throw new BridgeError(412, 'the user has changed since: read it again and repeat the change');
}

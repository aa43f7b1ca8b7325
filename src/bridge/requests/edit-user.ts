/** PUT and PATCH: turns the client's edit of the current user into a change of facts. */
import { BridgeError, withNote } from '../../errors.ts';
import { difference, type Facts, type FactsChange } from '../../mapping/facts.ts';
import { factsOf, isWhole, toFacts } from '../../mapping/users.ts';
import type { Context } from '../ports/context.ts';
import { closeReplay, narrow } from '../row/transitions.ts';
import type { Row } from '../row/types.ts';
import {
  absent,
  isSameChange,
  baseFacts,
  DEACTIVATED,
  deliverable,
  etagOf,
  resourceOf,
  shownFacts,
  taken,
  userOf,
} from '../row/views.ts';
import { readUser } from './read-users.ts';
import { type Asked, checkAccepted, type Submitted, submitChange } from './submit.ts';
import type { Edit, ScimUser, UserResource } from './use-cases.ts';
import { passwordFact, type UserContext } from './user-context.ts';
import { checkSize } from './user-size.ts';

/** The view may be of any age. */
const ANY_AGE = Number.POSITIVE_INFINITY;

/** The result of an edit on the current user. */
interface Made {
  readonly facts: FactsChange;
  readonly named: readonly string[];
  readonly touched: readonly string[];
  /** everything in the request but active=false is refused */
  readonly refusal?: BridgeError | undefined;
  /** whether anything must be sent */
  readonly asks: boolean;
}

export async function editUser(context: UserContext, ctx: Context, id: string, wish: Edit): Promise<UserResource> {
  const { clock, timing } = context.requests;
  const deadline = clock() + timing.answerWithinMs;
  const password = await passwordFact(context, wish.password).catch(asRefusal);
  let maxAgeMs = readsFirst(wish) ? timing.believedMs : ANY_AGE;
  const last: { made?: Made } = {};
  const submitted = await submitChange(context, {
    ctx,
    async read() {
      const row = await readUser(context.view, id, maxAgeMs);
      maxAgeMs = ANY_AGE;
      return row;
    },
    async make(row) {
      checkMatch(wish.ifMatch, row);
      const before = baseUser(row);
      const wanted = applied(wish, before);
      if (ageOf(context, row) > timing.viewMaxAgeMs && needsTruth(wanted)) {
        const read = await readUser(context.view, id);
        if (read.version !== row.version) return 'again'; // otherwise ZITADEL is unreachable: build on the stored facts
      }
      const made = changeOf(context, { wish, row, before, wanted, password });
      last.made = made;
      return made.asks ? appendedTo(context, row, { ...made, kind: 'edit' }) : undefined;
    },
    deadline,
  });
  await checkEdited(context, { ctx, id, deadline }, last.made, submitted);
  if (last.made?.refusal !== undefined) throw last.made.refusal;
  const now = await readUser(context.view, id, ANY_AGE);
  return resourceOf(now, shownFacts(now) ?? {}, context.nameOf);
}

export async function removeUser(
  context: UserContext,
  ctx: Context,
  id: string,
  ifMatch: readonly string[] | undefined,
): Promise<void> {
  const { clock, timing } = context.requests;
  const submitted = await submitChange(context, {
    ctx,
    read: () => readUser(context.view, id, ifMatch === undefined ? ANY_AGE : timing.believedMs),
    make(row) {
      checkMatch(ifMatch, row);
      return appendedTo(context, row, { kind: 'delete', facts: {}, named: [] });
    },
    deadline: clock() + timing.answerWithinMs,
  });
  checkAccepted(submitted, absent);
}

/** A clock that was set back makes nothing fresh. */
const ageOf = ({ requests }: UserContext, row: Row): number => Math.abs(requests.clock() - row.verifiedAt);

function changeOf(
  context: UserContext,
  {
    wish,
    row,
    before,
    wanted,
    password,
  }: {
    readonly wish: Edit;
    readonly row: Row;
    readonly before: ScimUser;
    readonly wanted: Wanted;
    readonly password: Facts | BridgeError;
  },
): Made {
  const { touched } = wanted;
  const isPut = wish.method === 'PUT';
  const was = toFacts(before, row.id);
  const { facts: then, refusal = wanted.malformed } = wantedFacts(wanted, before, was, { id: row.id, password });
  const differs = difference(isPut ? sentFacts(row, was) : was, then);
  const isBlind = isPut && ageOf(context, row) > context.requests.timing.viewMaxAgeMs;
  const all = isBlind ? Object.keys({ ...was, ...then }).filter((fact) => fact !== 'username') : ['state'];
  const named = refusal !== undefined ? ['state'] : isPut ? all : [...new Set(touched.flatMap(factsOf))];
  const secret = refusal === undefined && !(password instanceof BridgeError) ? password : {};
  const asks =
    Object.keys(differs).length > 0 || 'password' in secret || (named.length > 0 && !isCertain(context, row));
  return { facts: { ...atValue(named, was, then), ...differs, ...secret }, named, touched, refusal, asks };
}

/** Confirmed a moment ago and nothing is in flight: facts named at their current value need no call. */
function isCertain(context: UserContext, row: Row): boolean {
  const isFresh = ageOf(context, row) <= context.requests.timing.believedMs;
  return isFresh && row.pending.length === 0 && !row.doubt && row.hidden === null;
}

/** A retry of an unacknowledged request replaces it, unless a request is still waiting for it. */
function appendedTo({ requests }: UserContext, row: Row, { kind, facts, named }: Asked['change']): Asked {
  const change = { kind, facts, named };
  const last = row.pending.at(-1);
  const isSame = last !== undefined && !last.acknowledged && isSameChange(last, change) && row.calling === null;
  const onto = isSame && !requests.waiters.awaited(row, last) ? narrow(row, row.pending.slice(0, -1)) : row;
  // a new create from the client does not refer to the response it lost
  return { onto: closeReplay(onto), change };
}

/**
 * Throws the error for an edit that was not accepted. A rejected attribute must not prevent deactivation: if an edit
 * was refused before anything was kept, the deactivation is still carried out.
 */
async function checkEdited(
  context: UserContext,
  { ctx, id, deadline }: { readonly ctx: Context; readonly id: string; readonly deadline: number },
  made: Made | undefined,
  submitted: Submitted,
): Promise<void> {
  const isKept = submitted.kind !== 'taken' && !(submitted.kind === 'refused' && submitted.by === 'bridge');
  const leaves = made?.touched.includes('active') === true && made.facts['state'] === 'inactive';
  if (isKept || !leaves || Object.keys(made.facts).length === 1) return checkAccepted(submitted, absent);
  const left = await submitChange(context, {
    ctx,
    read: () => readUser(context.view, id, ANY_AGE),
    make: (row) => appendedTo(context, row, { kind: 'edit', facts: { state: 'inactive' }, named: ['state'] }),
    deadline,
  });
  const why = submitted.kind === 'taken' ? taken(submitted.name) : submitted.error;
  if (left.kind === 'taken' || (left.kind === 'refused' && left.by === 'bridge')) throw why;
  checkAccepted(left, absent);
  throw withNote(why, DEACTIVATED);
}

/** Every PUT and every write with If-Match is checked against ZITADEL's current state. */
const readsFirst = (wish: Edit): boolean => wish.method === 'PUT' || wish.ifMatch !== undefined;

/** A PATCH inside a list builds on the list; clearing a nickname also sends the names: both need a fresh view. */
const needsTruth = ({ touched, user }: Wanted): boolean =>
  touched.some((path) => isWhole(path) || (path === 'nickName' && user['nickName'] === undefined));

/** An unacknowledged delete may be refused, and then this edit is applied; otherwise the user is gone. */
function baseUser(row: Row): ScimUser {
  const changes = row.pending.filter(
    ({ kind, acknowledged, abandoned }) => kind !== 'delete' || acknowledged || abandoned,
  );
  const base = baseFacts(changes.length === row.pending.length ? row : narrow(row, changes));
  if (base === null) throw absent();
  return userOf(base);
}

/** A PUT describes the whole user: changes that are on hold count as not requested. */
function sentFacts(row: Row, was: Facts): Facts {
  const base = baseFacts(narrow(row, deliverable(row)));
  return base === null || deliverable(row) === row.pending ? was : toFacts(userOf(base), row.id);
}

/** `malformed`: the request cannot be read completely. */
type Wanted = ReturnType<Edit['apply']> & { readonly malformed?: BridgeError };

/** The result of the request on the user; if it cannot be read completely, only its deactivation. */
function applied(wish: Edit, before: ScimUser): Wanted {
  try {
    return wish.apply(before);
  } catch (error) {
    if (!(error instanceof BridgeError) || wish.leaves?.() !== true) throw error;
    return { user: { ...before, active: false }, touched: ['active'], malformed: withNote(error, DEACTIVATED) };
  }
}

/** The named facts at their wanted values, even if unchanged. */
function atValue(named: readonly string[], was: Facts, wanted: Facts): FactsChange {
  const there = named.filter((fact) => fact in was || fact in wanted);
  return Object.fromEntries(there.map((fact) => [fact, wanted[fact] ?? null]));
}

/** A rejected attribute must not prevent deactivation: it is carried out even if another value is invalid. */
function wantedFacts(
  { user, touched }: Wanted,
  before: ScimUser,
  was: Facts,
  { id, password }: { readonly id: string; readonly password: Facts | BridgeError },
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

/** The error of a password that violates the organization's rules; an outage is rethrown. */
function asRefusal(error: unknown): BridgeError {
  if (error instanceof BridgeError && error.status === 400) return error;
  throw error;
}

/** RFC 7644 §3.14: 412 if no ETag matches. Pending changes count: of two writers with one ETag, one gets 412. */
function checkMatch(ifMatch: readonly string[] | undefined, row: Row): void {
  if (ifMatch === undefined || ifMatch.includes('*')) return;
  if (!ifMatch.includes(etagOf(baseUser(row))))
    throw new BridgeError(412, 'the user has changed since: read it again and repeat the change');
}

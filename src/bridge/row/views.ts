/** Views of rows as values: what they show, what they want, their index entries. */
import { hash } from 'node:crypto';
import { BridgeError, NAME_TAKEN } from '../../errors.ts';
import { stableJson } from '../../mapping/codecs.ts';
import { type Facts, type FactsChange, METADATA_PREFIX, overlay, withoutFacts } from '../../mapping/facts.ts';
import { fromFacts, type ScimUser } from '../../mapping/users.ts';
import { groupKey, membershipsOf } from '../../mapping/groups.ts';
import { definitionOf } from '../groups/definitions.ts';
import { isGroupRow } from './kinds.ts';
import type { Change, Index, Key, Row, Unique } from './types.ts';
import type { Context } from '../ports/context.ts';
import type { GroupRef, UserResource } from '../requests/use-cases.ts';

const EXTERNAL_ID = `${METADATA_PREFIX}externalId`;

/** Confirmed overlaid with changes in revision order; null: does not exist, or deletion is requested. */
export function merged(confirmed: Facts | null, changes: readonly Change[]): Facts | null {
  let facts = confirmed;
  for (const change of changes) facts = change.kind === 'delete' ? null : applied(facts, change);
  return facts;
}

function applied(facts: Facts | null, change: Change): Facts | null {
  if (change.kind === 'create') return overlay({}, change.facts);
  return facts === null ? null : overlay(facts, change.facts);
}

/** Confirmed, with the required values where an unanswered call may still change them. */
export const believedFacts = ({ confirmed, recheck: confirm }: Row): Facts | null =>
  confirmed === null || confirm === null ? confirmed : overlay(confirmed, confirm.facts);

/** What reads show: confirmed and the acknowledged changes. */
export function shownFacts(row: Row): Facts | null {
  if (row.tombstone !== null) return null;
  return merged(
    believedFacts(row),
    row.pending.filter((change) => change.acknowledged || change.abandoned),
  );
}

/** What a new request builds on: confirmed and all changes, acknowledged or not. */
export const baseFacts = (row: Row): Facts | null =>
  row.tombstone === null ? merged(believedFacts(row), row.pending) : null;

/** Nothing is pending, in doubt or awaiting a recheck: confirmed is complete. */
export const isIdle = (row: Row): boolean => row.pending.length === 0 && !row.doubt && row.recheck === null;

/** No user exists or is requested, and no late call is possible: the row can be removed. */
export const isEmpty = (row: Row): boolean =>
  row.confirmed === null && row.deadLetters.length === 0 && row.tombstone === null && isIdle(row);

/** The row, or null when it can be removed. */
export const unlessEmpty = (row: Row): Row | null => (isEmpty(row) ? null : row);

/** The changes to send: those from before a long downtime wait for an operator. */
export const deliverable = (row: Row): readonly Change[] =>
  row.pending.some((change) => change.onHold) ? row.pending.filter((change) => !change.onHold) : row.pending;

export const keyOf = (row: Row): Key => ({ tenant: row.tenant, id: row.id });

export const isSameRow = (one: Key, other: Key): boolean => one.tenant === other.tenant && one.id === other.id;

type ChangeContent = Pick<Change, 'kind' | 'facts' | 'named' | 'rights'>;

/** Whether two changes have the same content, regardless of origin and time. */
export function isSameChange(one: ChangeContent, other: ChangeContent): boolean {
  // a removed fact is null: a serialization that omits nulls is not enough
  const content = ({ kind, facts, named, rights }: ChangeContent): string =>
    JSON.stringify([kind, Object.entries(facts).toSorted(byName), named, rights === true]);
  return content(one) === content(other);
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** What a client is told when everything in its request but active=false was refused. */
export const DEACTIVATED = 'the user was deactivated all the same';

export const withoutPassword = (facts: FactsChange): FactsChange => withoutFacts(facts, PASSWORD);

const PASSWORD: ReadonlySet<string> = new Set(['password']);

/** ZITADEL's ids have at most 200 characters. */
export const isId = (id: string): boolean => id !== '' && id.length <= 200;

/** What a client is told about an unknown id. */
export const absent = (): BridgeError => new BridgeError(404, 'there is no user with this id');

/** Rights are in doubt, or differ from the expected ones in ZITADEL: they are read before any other call. */
export const UNKNOWN_RIGHTS = -1;

/** A row with nothing confirmed and nothing pending. */
export function emptyRow({ tenant, id }: Key, now: number, fields: Partial<Row> = {}): Row {
  return {
    tenant,
    id,
    version: 0,
    confirmed: null,
    pending: [],
    doubt: false,
    calling: null,
    sentName: null,
    recheck: null,
    deadLetters: [],
    blocked: null,
    hidden: null,
    repeated: null,
    attempts: 0,
    dueAt: null,
    lastError: null,
    replay: null,
    verifiedAt: 0,
    sequence: null,
    trusted: [],
    rights: { at: 0, sent: 0 },
    created: now,
    modified: now,
    tombstone: null,
    ...fields,
  } as Row;
}

/** Revisions grow with the row: no settled change ever had a larger one. */
export const nextRevision = (row: Row): number => row.version + 1;

export function newChange(
  ctx: Context,
  change: Pick<Change, 'revision' | 'kind' | 'facts' | 'named' | 'at' | 'rights'>,
): Change {
  return { ...change, acknowledged: false, who: ctx.who, txn: ctx.txn };
}

/** Rows and facts are immutable: derived values are computed once and cached as long as they live. */
function once<From extends object, To>(make: (from: From) => To): (from: From) => To {
  const made = new WeakMap<From, { readonly value: To }>();
  return (from) => {
    const found = made.get(from) ?? { value: make(from) };
    made.set(from, found);
    return found.value;
  };
}

/** The user that facts show. */
export const userOf: (facts: Facts) => ScimUser = once(fromFacts);

/** The same text for the same user. */
export const textOf: (user: ScimUser) => string = once(stableJson);

export function indexOf(row: Row, unique: Unique): Index {
  if (isGroupRow(row)) return groupIndexOf(row, unique);
  const facts = shownFacts(row);
  const user = facts === null ? {} : userOf(facts);
  const emails = (user['emails'] ?? []) as readonly { readonly value?: string }[];
  return {
    visible: facts !== null,
    userName: facts?.['username'] ?? null,
    externalId: (user['externalId'] as string | undefined) ?? null,
    emails: emails.flatMap((each) => (each.value === undefined ? [] : [each.value])),
    memberships: facts === null ? [] : [...membershipsOf(facts), ...askedInto(row, facts)],
    display: ((user['displayName'] ?? user['userName']) as string | undefined) ?? null,
    reservations: reservedNames(row, unique),
    instance: unique.instance,
  };
}

/** The set of pending members of a group that are not shown in it yet: their requests are not acknowledged. */
export const askedOf = (group: string): string => `asked:${group}`;

function askedInto(row: Row, shown: Facts): readonly string[] {
  if (row.pending.every(({ acknowledged: answered }) => answered)) return [];
  return membershipsOf(baseFacts(row) ?? {}).flatMap((id) => (groupKey(id) in shown ? [] : [askedOf(id)]));
}

/** The index entry of a group: its name as userName. A group being deleted is hidden, and its name is free. */
function groupIndexOf(row: Row, unique: Unique): Index {
  const shown = definitionOf(row.id, shownFacts(row));
  const asked = definitionOf(row.id, baseFacts(row));
  const isThere = shown?.deleting === false;
  const isReserved = unique.displayName === true && asked?.deleting === false;
  return {
    visible: isThere,
    userName: isThere ? shown.displayName : null,
    externalId: (isThere ? shown.externalId : undefined) ?? null,
    emails: [],
    memberships: [],
    display: null,
    reservations: [
      ...(isReserved ? [`${DISPLAY_NAME_MARK}${row.tenant}\n${normalizedUserName(asked.displayName)}`] : []),
      ...(row.replay?.open === true ? [`${CREATE_MARK}${row.tenant}\n${row.replay.hash}`] : []),
    ],
    instance: unique.instance,
  };
}

/** No userName begins with a line break: names are trimmed. */
const EXTERNAL_ID_MARK = '\nexternalId\n';
const DISPLAY_NAME_MARK = '\ndisplayName\n';
const CREATE_MARK = '\ncreate\n';
const HELD_MARK = '\nheld\n';
const DEAD_MARK = '\ndead\n';

/** A userName as it is reserved: ZITADEL compares in lower case. */
export const normalizedUserName = (name: string): string => name.trim().toLowerCase();

/** The reservation of a name that ZITADEL may still have given to a row that asks for another one, or for none. */
export const heldName = (name: string): string => HELD_MARK + normalizedUserName(name);

/** The reservation of a name for which a dead create waits, in vain once another row has it. */
export const deadName = (name: string): string => DEAD_MARK + normalizedUserName(name);

/** Only noted beside the unique values. */
export const isMark = (reserved: string): boolean => reserved.startsWith(HELD_MARK) || reserved.startsWith(DEAD_MARK);

const isDisplayName = (reserved: string): boolean => reserved.startsWith(DISPLAY_NAME_MARK);

/** The content of a request that creates a group, until its response was sent. */
export const isCreation = (reserved: string): boolean => reserved.startsWith(CREATE_MARK);

export const isExternalId = (reserved: string): boolean => reserved.startsWith(EXTERNAL_ID_MARK);

/** 409 uniqueness for a reserved name that another row has. */
export function taken(name: string): BridgeError {
  const told = isExternalId(name)
    ? 'externalId is already used by another user'
    : isDisplayName(name)
      ? 'displayName is already used by another group'
      : NAME_TAKEN;
  return new BridgeError(409, told, { scimType: 'uniqueness' });
}

/** The userName the row will end up with; null: none. */
export const askedName = (row: Row): string | null => baseFacts(row)?.['username'] ?? null;

/** Reserves the name (and externalId) a row will end up with; names it is about to free are noted as taken. */
function reservedNames(row: Row, { externalId: uniqueExternalId }: Unique): readonly string[] {
  if (row.tombstone !== null) return row.sentName === null ? [] : [heldName(row.sentName)];
  const base = baseFacts(row);
  const asked = base?.['username'];
  const externalId = base?.[EXTERNAL_ID];
  const had = [row.confirmed?.['username'], row.sentName];
  const held = new Set(had.filter((name) => typeof name === 'string').map(heldName));
  if (asked !== undefined) held.delete(heldName(asked));
  return [
    ...(asked === undefined ? [] : [normalizedUserName(asked)]),
    ...held,
    ...row.deadLetters.flatMap(({ kind, facts: { username } }) =>
      kind === 'create' && typeof username === 'string' ? [deadName(username)] : [],
    ),
    ...(uniqueExternalId && externalId !== undefined ? [`${EXTERNAL_ID_MARK}${row.tenant}\n${externalId}`] : []),
  ];
}

/** The existing groups among those a user is a member of. */
export const groupsIn = (facts: Facts, nameOf: NameOf): readonly GroupRef[] =>
  membershipsOf(facts).flatMap((id) => {
    const displayName = nameOf(id);
    return displayName === undefined ? [] : [{ id, displayName }];
  });

/** RFC 7644 §3.14: weak, over what is rendered, without groups, $ref and meta. */
export function etagOf(user: ScimUser): string {
  const text = textOf(user).replaceAll(/"\$ref":"(?:[^"\\]|\\.)*",?/g, '');
  return `W/"${hash('sha1', text, 'base64url').slice(0, 16)}"`;
}

/** The displayName of a group; undefined: there is no such group. */
export type NameOf = (group: string) => string | undefined;

export function resourceOf(row: Row, facts: Facts, nameOf: NameOf): UserResource {
  const user = userOf(facts);
  const groups = groupsIn(facts, nameOf);
  return { id: row.id, user, etag: etagOf(user), created: row.created, modified: row.modified, groups };
}

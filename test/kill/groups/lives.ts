/** What clients asked of the groups of a run, and what may therefore be in ZITADEL at its end. Pure. */
import type { Life, Wish } from '../lives.ts';

/** One request about a group. Several clients write one group at once, so what came after what is kept. */
export interface GroupWish extends Pick<Wish, 'kind' | 'sent' | 'end' | 'ended' | 'status' | 'detail'> {
  /** 1, 2, 3 ... over all beginnings and ends of requests: when this one was sent, and when its client knew its end */
  readonly n: number;
  done?: number;
  /** displayName; undefined: it is left as it is */
  readonly name?: string;
  /** by id of a user: whether it is to be a member */
  readonly joins: Readonly<Record<string, boolean>>;
  /** these are all members: nobody else is one */
  readonly whole: boolean;
}

/** A group from its create to its delete. */
export interface GroupLife {
  /** its externalId, which never changes: who has it is this group, whatever its id and name */
  readonly birth: string;
  /** as the answer to the create said */
  id?: string;
  readonly wishes: GroupWish[];
}

/** What a wish says of something; undefined: nothing. */
type Says<T> = (wish: GroupWish) => T | undefined;

/** What may be in the end: whatever no answered request overtook that was sent later. `none`: when nothing of it was done. */
function possible<T>({ wishes }: GroupLife, says: Says<T>, none: T): ReadonlySet<T> {
  const asked = wishes.filter((wish) => wish.end !== 'refused' && says(wish) !== undefined);
  const last = Math.max(0, ...asked.flatMap(({ end, n }) => (end === 'answered' ? [n] : [])));
  const values = asked.filter(({ done = Number.POSITIVE_INFINITY }) => done > last).flatMap((wish) => says(wish) ?? []);
  return new Set(last === 0 ? [none, ...values] : values);
}

const joinsOf =
  (user: string): Says<boolean> =>
  ({ joins, whole }) =>
    joins[user] ?? (whole ? false : undefined);

/** Whether a user may be a member, and whether it may be none. */
export const mayBeMember = (life: GroupLife, user: string): ReadonlySet<boolean> =>
  possible(life, joinsOf(user), false);

/** Names that it may have; '' when nobody was promised any. */
export const mayBeCalled = (life: GroupLife): ReadonlySet<string> => possible(life, ({ name }) => name, '');

/** Names that it was ever to have: those that were answered, and those that may have been. */
export function namesAsked({ wishes }: GroupLife): Readonly<Record<'answered' | 'maybe', readonly string[]>> {
  const named = (of: readonly GroupWish[]): readonly string[] => of.flatMap(({ name }) => name ?? []);
  return {
    answered: named(wishes.filter(({ end }) => end === 'answered')),
    maybe: named(wishes.filter(({ end }) => end !== 'refused')),
  };
}

/** Users that somebody may put into a group: they are there, and nobody has asked to delete them. */
export const joinable = (users: readonly Life[]): readonly string[] =>
  users.flatMap(({ id, wishes }) => (id === undefined || wishes.some(({ kind }) => kind === 'delete') ? [] : [id]));

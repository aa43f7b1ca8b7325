/** Whether what was answered is there, once, in its last value. Pure: judges what clients know against what ZITADEL has. */
import {
  addressesIn,
  attributes,
  isDeleteAsked,
  isDeleted,
  lastAnswered,
  type Life,
  possible,
  presence,
  THERE,
  type Wish,
} from './lives.ts';
import type { Person, Written } from './people.ts';

/**
 * lost: answered and never written. wrong: written, and not there in its last value.
 * twin: one user made twice. revived: a leaver is there or active.
 * refused: an answer that nobody had deserved. unasked: a delete that nobody had asked for.
 */
export type ViolationKind = 'lost' | 'wrong' | 'twin' | 'revived' | 'refused' | 'unasked';

export interface Violation {
  readonly kind: ViolationKind;
  readonly birth: string;
  readonly ids: readonly string[];
  readonly detail: string;
}

export interface Evidence {
  readonly lives: readonly Life[];
  readonly people: readonly Person[];
  readonly written: readonly Written[];
}

export function judge({ lives, people, written }: Evidence): readonly Violation[] {
  const byBirth = Map.groupBy(people, ({ birth }) => birth);
  const byId = Map.groupBy(written, ({ id }) => id);
  const creates = written.filter(({ method, outcome }) => method === 'CreateUser' && outcome === 'ok');
  return [
    ...lives.flatMap((life) => {
      const found = byBirth.get(life.birth) ?? [];
      const log = [...new Set([life.id, ...found.map(({ id }) => id)])].flatMap((id) => byId.get(id ?? '') ?? []);
      return [...unity(life, found, creates), ...ofLife(life, found, log), ...refusals(life)];
    }),
    ...sameName(people),
    ...unasked(lives, written, creates),
  ];
}

/** One user for each birth: at the end, and in all that was ever made. */
function unity(life: Life, found: readonly Person[], creates: readonly Written[]): Violation[] {
  const made = creates.filter(({ text }) => text.includes(`"${life.birth}"`)).map(({ id }) => id);
  const ids = [...new Set([...made, ...found.map(({ id }) => id), ...(life.id === undefined ? [] : [life.id])])];
  if (ids.length < 2) return [];
  return [{ kind: 'twin', birth: life.birth, ids, detail: `${ids.length} ids for one create` }];
}

/** ZITADEL's own rule, looked at all the same. */
function sameName(people: readonly Person[]): Violation[] {
  const names = Map.groupBy(people, ({ values }) => values['userName']?.toLowerCase());
  return [...names.values()]
    .filter((each) => each.length > 1)
    .map((each) => ({
      kind: 'twin',
      birth: each[0]?.birth ?? '',
      ids: each.map(({ id }) => id),
      detail: `${each.length} users with the userName ${each[0]?.values['userName']}`,
    }));
}

function ofLife(life: Life, found: readonly Person[], log: readonly Written[]): Violation[] {
  const told = (kind: ViolationKind, detail: string): Violation => {
    const ids = found.length > 0 ? found.map(({ id }) => id) : [life.id ?? ''];
    return { kind, birth: life.birth, ids, detail };
  };
  const [person] = found;
  const wanted = presence(life);
  if (person === undefined) {
    if (wanted !== 'there') return [];
    const was = log.some(({ method, outcome }) => method === 'CreateUser' && outcome === 'ok');
    return [told(was ? 'wrong' : 'lost', 'the create was answered, the user is not there')];
  }
  if (wanted === 'gone') {
    const detail = isDeleted(life) ? 'the delete was answered' : 'the create was refused';
    return [told(isDeleted(life) ? 'revived' : 'wrong', `${detail}, the user is there`)];
  }
  return [
    ...[...attributes(life)].flatMap((attribute) => {
      const is = person.values[attribute];
      const may = possible(life, attribute);
      if (may.has(is)) return [];
      const wish = lastAnswered(life, attribute);
      const asked = wish?.values[attribute];
      const detail = `${attribute} is ${is}, may be ${[...may].join(' or ')}${wish === undefined ? '' : ` (wish ${wish.n})`}`;
      if (attribute === 'active') return [told(asked === 'false' ? 'revived' : 'wrong', detail)];
      const [mark = asked] = addressesIn({ [attribute]: THERE });
      return [told(log.some((each) => carries(each, mark)) ? 'wrong' : 'lost', detail)];
    }),
    ...unknownValues(life, person).map((detail) => told('wrong', detail)),
    ...person.doubled.map((email) => told('wrong', `${email} stands in emails more than once`)),
  ];
}

const carries = ({ outcome, text }: Written, value: string | undefined): boolean =>
  outcome === 'ok' && value !== undefined && text.includes(value);

/** Nobody asked for it. */
function unknownValues(life: Life, person: Person): readonly string[] {
  const asked = attributes(life);
  return Object.keys(person.values)
    .filter((attribute) => !asked.has(attribute))
    .map((attribute) => `${attribute} is ${person.values[attribute]}, which nobody asked for`);
}

/** A request is refused when its user is gone, or going; no other refusal was called for. */
function refusals(life: Life): Violation[] {
  const isGoing = ({ ended = 0 }: Wish): boolean =>
    life.wishes.some(({ kind, end, sent }) => kind === 'delete' && end !== 'refused' && sent <= ended);
  return life.wishes
    .filter((wish) => wish.end === 'refused' && !(wish.status === 404 && isGoing(wish)))
    .map(({ kind, status, n, detail }) => ({
      kind: 'refused',
      birth: life.birth,
      ids: [life.id ?? ''],
      detail: `${kind} (wish ${n}) was answered ${status} ${detail ?? ''}`,
    }));
}

/** Only who was asked to be deleted may be. */
function unasked(lives: readonly Life[], written: readonly Written[], creates: readonly Written[]): Violation[] {
  const births = new Map(lives.map((life) => [life.birth, life]));
  const byId = new Map(lives.map((life) => [life.id, life]));
  const lifeOf = (id: string): Life | undefined =>
    byId.get(id) ??
    births.get(/"familyName":"([^"]*)"/.exec(creates.find((each) => each.id === id)?.text ?? '')?.[1] ?? '');
  return written
    .filter(({ method, outcome }) => method === 'DeleteUser' && outcome === 'ok')
    .flatMap(({ id }) => {
      const life = lifeOf(id);
      if (life !== undefined && isDeleteAsked(life)) return [];
      return [
        {
          kind: 'unasked',
          birth: life?.birth ?? '',
          ids: [id],
          detail: 'deleted, though nobody asked for it',
        } as const,
      ];
    });
}

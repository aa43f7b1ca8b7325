/** What clients asked of the users of a run, and what may therefore be in ZITADEL at its end. Pure. */

/** Attribute to value, as text; no two wishes but repeated creates hold the same one, except of `active`. An e-mail address is an attribute of its own, `email:<address>`: THERE. */
export type Values = Readonly<Record<string, string>>;

export const THERE = 'there';

const EMAIL = 'email:';

export const emailAttribute = (address: string): string => `${EMAIL}${address}`;

export const addressesIn = (values: Values): readonly string[] =>
  Object.keys(values).flatMap((attribute) => (attribute.startsWith(EMAIL) ? [attribute.slice(EMAIL.length)] : []));

/** The value that is new in this wish; undefined: it is about nothing but `active`. */
export const markOf = (values: Values): string | undefined =>
  values['title'] ?? values['nickName'] ?? values['phone'] ?? addressesIn(values)[0] ?? values['userName'];

/** answered: 2xx. unanswered: 5xx or cut off; it may or may not be done. refused: any other status. */
export type End = 'answered' | 'unanswered' | 'refused';

/** One request of a client. */
export interface Wish {
  /** in the order of sending, over all clients */
  readonly n: number;
  readonly kind: 'create' | 'edit' | 'delete';
  readonly values: Values;
  /** ms since 1970 */
  readonly sent: number;
  /** undefined: on its way */
  end?: End;
  ended?: number;
  /** undefined: cut off, or on its way */
  status?: number;
  /** of an error answer */
  detail?: string;
}

/** A user from its create to its delete. Each attribute is written by one client, so that it has a last answered value. */
export interface Life {
  /** stands in the user's familyName and never changes: who has it is this user, whatever its id and userName */
  readonly birth: string;
  /** as the answer to the create said */
  id?: string;
  readonly wishes: Wish[];
}

/** What was asked of something that is created and deleted. */
export interface Wished {
  readonly wishes: readonly Pick<Wish, 'kind' | 'end'>[];
}

const has = ({ wishes }: Wished, kind: Wish['kind'], end: End): boolean =>
  wishes.some((wish) => wish.kind === kind && wish.end === end);

/** A delete may have been done, or may yet be; one that was refused was not. */
export const isDeleteAsked = ({ wishes }: Wished): boolean =>
  wishes.some(({ kind, end }) => kind === 'delete' && end !== 'refused');
export const isDeleted = (life: Wished): boolean => has(life, 'delete', 'answered');
export const isCreated = (life: Wished): boolean => has(life, 'create', 'answered');

/** Whether the user has to be in ZITADEL; either: nobody was promised anything. */
export function presence(life: Wished): 'there' | 'gone' | 'either' {
  if (isDeleted(life)) return 'gone';
  const refused = life.wishes.every(({ kind, end }) => kind !== 'create' || end === 'refused');
  if (refused) return 'gone';
  return isCreated(life) && !isDeleteAsked(life) ? 'there' : 'either';
}

/** The last answered wish about an attribute; a create that nobody answered counts as none. */
export function lastAnswered({ wishes }: Life, attribute: string): Wish | undefined {
  return wishes.findLast(({ end, values }) => end === 'answered' && attribute in values);
}

/** What an attribute may be: what was last answered, or what was asked later and not answered. undefined: not set. */
export function possible({ wishes }: Life, attribute: string): ReadonlySet<string | undefined> {
  let values = new Set<string | undefined>([undefined]);
  for (const { end, values: asked } of wishes) {
    const value = asked[attribute];
    if (value === undefined || end === 'refused') continue;
    if (end === 'answered') values = new Set([value]);
    else values.add(value);
  }
  return values;
}

/** All attributes that were ever asked about. */
export const attributes = ({ wishes }: Life): ReadonlySet<string> =>
  new Set(wishes.flatMap(({ values }) => Object.keys(values)));

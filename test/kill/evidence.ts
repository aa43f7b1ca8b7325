/** Lives, people and calls for the tests of the judges. */
import { emailAttribute, type End, type Life, THERE, type Values, type Wish } from './lives.ts';
import type { Person, Written } from './people.ts';

export const ADDRESS = 'e0000001@example.test';

export const BORN: Values = { userName: 'ada@example.test', active: 'true', [emailAttribute(ADDRESS)]: THERE };

/** Wishes in their order, one each 10 ms: kind, what became of it, values. */
export type Told = readonly [kind: Wish['kind'], end: End, values?: Values, status?: number];

export function life(...told: readonly Told[]): Life {
  const wishes = told.map(([kind, end, values = {}, status], at): Wish => {
    const wish = { n: at + 1, kind, values, sent: at * 10, ended: at * 10 + 5, end };
    return status === undefined ? wish : { ...wish, status };
  });
  const created = told.some(([kind, end]) => kind === 'create' && end === 'answered');
  return { birth: 'ada-1', wishes, ...(created ? { id: 'a' } : {}) };
}

export const person = (values: Values = BORN, over: Partial<Person> = {}): Person => ({
  id: 'a',
  birth: 'ada-1',
  values,
  groups: [],
  org: [],
  projects: {},
  doubled: [],
  ...over,
});

/** A call as the sandbox's log tells it; ok, at once, when not told otherwise. */
export function written(method: string, over: Partial<Written> = {}): Written {
  const text = method === 'CreateUser' ? `{"familyName":"ada-1"} ${ADDRESS}` : '';
  return { n: 1, began: 0, time: over.began ?? 0, method, id: 'a', outcome: 'ok', answered: true, text, ...over };
}

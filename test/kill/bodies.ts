/** Wishes as SCIM requests. */
import { USER_URN } from '../../src/mapping/schema.ts';
import { patch } from '../end-to-end/people.ts';
import { addressesIn, type Life, type Values, type Wish } from './lives.ts';

export interface Request {
  readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** An edit that carries a userName beside other attributes is a PUT: it names all of the user. */
export function requestOf({ birth, id }: Life, { kind, values }: Pick<Wish, 'kind' | 'values'>): Request {
  const path = `/Users/${id}`;
  if (kind === 'delete') return { method: 'DELETE', path };
  if (kind === 'create') return { method: 'POST', path: '/Users', body: userOf(birth, values) };
  if (isWhole(values)) return { method: 'PUT', path, body: userOf(birth, values) };
  return { method: 'PATCH', path, body: patch(...operationsOf(values)) };
}

const isWhole = (values: Values): boolean => 'userName' in values && 'active' in values;

function userOf(birth: string, values: Values): object {
  const { userName, active, title, nickName, phone } = values;
  const emails = addressesIn(values).map((value, at) => ({ value, type: 'work', primary: at === 0 }));
  return {
    schemas: [USER_URN],
    userName,
    name: { givenName: 'Kill', familyName: birth },
    active: active === 'true',
    emails,
    ...(title === undefined ? {} : { title }),
    ...(nickName === undefined ? {} : { nickName }),
    ...(phone === undefined ? {} : { phoneNumbers: phonesOf(phone) }),
  };
}

function operationsOf(values: Values): object[] {
  const { active, phone, ...texts } = values;
  const addresses = addressesIn(values);
  const plain = Object.entries(texts).filter(([path]) => !path.includes(':'));
  return [
    ...plain.map(([path, value]) => ({ op: 'replace', path, value })),
    ...(active === undefined ? [] : [{ op: 'replace', path: 'active', value: active === 'true' }]),
    ...(phone === undefined ? [] : [{ op: 'replace', path: 'phoneNumbers', value: phonesOf(phone) }]),
    ...(addresses.length === 0
      ? []
      : [{ op: 'add', path: 'emails', value: addresses.map((value) => ({ value, type: 'other' })) }]),
  ];
}

const phonesOf = (value: string): object[] => [{ value, type: 'work', primary: true }];

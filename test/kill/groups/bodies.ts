/** Wishes about groups as SCIM requests, each in one of the shapes that clients use. */
import { GROUP_URN } from '../../../src/mapping/schema.ts';
import { patch } from '../../end-to-end/people.ts';
import { type Random, chance } from '../../mapping/random.ts';
import type { Request } from '../bodies.ts';
import type { GroupLife, GroupWish } from './lives.ts';

type Asked = Pick<GroupWish, 'kind' | 'name' | 'joins' | 'whole'>;

export function groupRequest({ birth, id }: GroupLife, { kind, name, joins, whole }: Asked, random: Random): Request {
  const path = `/Groups/${id}`;
  const members = elements(Object.keys(joins).filter((user) => joins[user]));
  const named = name === undefined ? {} : { displayName: name };
  if (kind === 'delete') return { method: 'DELETE', path };
  if (kind === 'create')
    return { method: 'POST', path: '/Groups', body: { schemas: [GROUP_URN], ...named, externalId: birth, members } };
  if (whole && chance(random, 0.5)) return { method: 'PUT', path, body: { schemas: [GROUP_URN], ...named, members } };
  const rename = name === undefined ? [] : [{ op: 'replace', value: { id, displayName: name } }];
  const replace = [{ op: 'replace', path: 'members', value: members }];
  return { method: 'PATCH', path, body: patch(...rename, ...(whole ? replace : changes(joins, random))) };
}

const elements = (ids: readonly string[]): object[] => ids.map((value) => ({ value }));

function changes(joins: Asked['joins'], random: Random): object[] {
  const comes = Object.keys(joins).filter((user) => joins[user]);
  const leaves = Object.keys(joins).filter((user) => !joins[user]);
  const remove = chance(random, 0.5)
    ? leaves.map((user) => ({ op: 'remove', path: `members[value eq "${user}"]` }))
    : [{ op: 'Remove', path: 'members', value: elements(leaves) }];
  return [
    ...(leaves.length > 0 ? remove : []),
    ...(comes.length > 0 ? [{ op: 'add', path: 'members', value: elements(comes) }] : []),
  ];
}

import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  DeleteUserMetadataRequest,
  DeleteUserMetadataResponseSchema,
  ListUserMetadataRequest,
  ListUserMetadataResponseSchema,
  SetUserMetadataRequest,
  SetUserMetadataResponseSchema,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { User } from '../entities.ts';
import { refusal } from '../errors.ts';
import type { World } from '../world.ts';
import { pageOf } from './paging.ts';
import { textMatches } from './text.ts';

/** Writes only what differs; when nothing does the date is the old one. */
export function setUserMetadata(
  world: World,
  { userId, metadata }: SetUserMetadataRequest,
  caller: Caller,
): MessageInitShape<typeof SetUserMetadataResponseSchema> {
  if (metadata.length === 0) throw refusal('metadataEmpty');
  const rows = world.state.metadata.of(writable(world, userId, caller).id);
  const stamp = world.stamp();
  let last = 0;
  let events = 0;
  for (const row of rows.values()) last = Math.max(last, row.changed);
  for (const { key, value } of metadata) {
    const confirmed = rows.get(key);
    const text = Buffer.from(value).toString('base64');
    if ((confirmed?.value ?? '') === text) continue;
    events += 1;
    if (text === '') {
      world.state.metadata.remove(userId, key);
      continue;
    }
    world.state.metadata.put(userId, key, { value: text, created: confirmed?.created ?? stamp, changed: stamp });
  }
  if (events > 0) world.events(userId, events);
  return { setDate: timestamp(events > 0 ? stamp : last) };
}

/** All keys or none: one that is missing refuses the whole call. */
export function deleteUserMetadata(
  world: World,
  { userId, keys }: DeleteUserMetadataRequest,
  caller: Caller,
): MessageInitShape<typeof DeleteUserMetadataResponseSchema> {
  if (keys.length === 0) throw refusal('metadataEmpty');
  const rows = world.state.metadata.of(writable(world, userId, caller).id);
  if (keys.some((key) => !rows.has(key))) throw refusal('metadataKeyMissing');
  for (const key of keys) world.state.metadata.remove(userId, key);
  world.events(userId, keys.length);
  return { deletionDate: timestamp(world.stamp()) };
}

/** Never lags. Rows the caller may not see go after the limit and stay in the total. */
export function listUserMetadata(
  world: World,
  { userId, pagination, filters }: ListUserMetadataRequest,
  caller: Caller,
): MessageInitShape<typeof ListUserMetadataResponseSchema> {
  const rows = [...world.state.metadata.of(userId)]
    .filter(([key]) =>
      filters.every(
        ({ filter }) => filter.case !== 'keyFilter' || textMatches(filter.value.method, key, filter.value.key),
      ),
    )
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const page = pageOf(rows, pagination, { max: 1000, standard: 100 });
  const user = world.state.users.get(userId);
  const visible = user === undefined || mayRead(world, user, caller);
  if (!visible && page.rows.length > 0 && !world.permissions.held(caller.user, caller.context)) {
    throw refusal('noMembership');
  }
  return {
    pagination: { totalResult: BigInt(rows.length), appliedLimit: BigInt(page.limit) },
    metadata: (visible ? page.rows : []).map(([key, row]) => ({
      key,
      value: new Uint8Array(Buffer.from(row.value, 'base64')),
      creationDate: timestamp(row.created),
      changeDate: timestamp(row.changed),
    })),
  };
}

export function mayRead(world: World, user: User, { user: caller }: Caller): boolean {
  return caller.id === user.id || world.permissions.has(caller, user.organization, 'user.read');
}

function writable(world: World, userId: string, caller: Caller): User {
  const user = world.state.users.get(userId);
  if (!user) throw refusal('metadataUserUnknown');
  world.permissions.demand(caller.user, user.organization, 'user.write');
  return user;
}

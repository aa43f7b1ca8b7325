import type { MessageInitShape } from '@bufbuild/protobuf';
import type { IDPLink } from '@zitadel/proto/zitadel/user/v2/idp_pb.js';
import type {
  AddIDPLinkRequest,
  AddIDPLinkResponseSchema,
  CreateInviteCodeRequest,
  CreateInviteCodeResponseSchema,
  ListIDPLinksRequest,
  ListIDPLinksResponseSchema,
  RemoveIDPLinkRequest,
  RemoveIDPLinkResponseSchema,
} from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';
import type { Caller } from '../callers.ts';
import { timestamp } from '../clock.ts';
import type { IdpLink } from '../entities.ts';
import { refusal } from '../errors.ts';
import type { World } from '../world.ts';
import { detailsOf } from './user-answers.ts';
import { mayRead } from './user-metadata.ts';

const INVITE_CODE = 'SANDBOX-INVITE';

/** Links as they would be kept; refused when the IdP is unknown or the external id is linked already. */
export function checkLinks({ state }: World, links: readonly IDPLink[]): readonly IdpLink[] {
  return links.map(({ idpId: idp, userId: externalId, userName: name }) => {
    if (!state.idps.has(idp)) throw refusal('idpUnknown');
    for (const held of state.links.values()) {
      if (held.some((link) => link.idp === idp && link.externalId === externalId)) throw refusal('idpLinkTaken');
    }
    return { idp, externalId, name };
  });
}

export function addIdpLink(
  world: World,
  { userId, idpLink }: AddIDPLinkRequest,
  caller: Caller,
): MessageInitShape<typeof AddIDPLinkResponseSchema> {
  const user = world.state.users.get(userId);
  if (!user) throw refusal('idpLinkUserUnknown');
  world.permissions.demand(caller.user, user.organization, 'user.write');
  const added = checkLinks(world, idpLink ? [idpLink] : []);
  world.state.links.set(userId, [...(world.state.links.get(userId) ?? []), ...added]);
  return { details: detailsOf({ ...user, sequence: world.events(userId), changed: world.stamp() }, false) };
}

export function removeIdpLink(
  world: World,
  { userId, idpId, linkedUserId }: RemoveIDPLinkRequest,
  caller: Caller,
): MessageInitShape<typeof RemoveIDPLinkResponseSchema> {
  const links = world.state.links.get(userId) ?? [];
  const rest = links.filter(({ idp, externalId }) => idp !== idpId || externalId !== linkedUserId);
  const user = world.state.users.get(userId);
  if (!user || rest.length === links.length) throw refusal('idpLinkMissing');
  world.permissions.demand(caller.user, user.organization, 'user.write');
  world.state.links.set(userId, rest);
  return { details: detailsOf({ ...user, sequence: world.events(userId), changed: world.stamp() }, false) };
}

/** Lags. Without rows it is OK for everyone. */
export function listIdpLinks(
  world: World,
  { userId }: ListIDPLinksRequest,
  caller: Caller,
): MessageInitShape<typeof ListIDPLinksResponseSchema> {
  const links = world.state.links.seen().get(userId) ?? [];
  const user = world.state.users.get(userId);
  if (links.length > 0 && user && !mayRead(world, user, caller)) throw refusal('noMembership');
  return {
    details: { totalResult: BigInt(links.length), timestamp: timestamp(world.stamp()) },
    result: links.map(({ idp, externalId, name }) => ({ idpId: idp, userId: externalId, userName: name })),
  };
}

/** One code only, and only for a user that could not log in yet. */
export function createInviteCode(
  world: World,
  { userId, verification }: CreateInviteCodeRequest,
  caller: Caller,
): MessageInitShape<typeof CreateInviteCodeResponseSchema> {
  const user = world.state.users.get(userId);
  if (!user) throw refusal('inviteUnknown');
  world.permissions.demand(caller.user, user.organization, 'user.write');
  if (user.password || (world.state.links.get(userId)?.length ?? 0) > 0) throw refusal('inviteInitialised');
  if (user.invited && world.version === 'A') throw refusal('inviteAgain');
  const invited = { ...user, invited: true, sequence: world.events(userId), changed: world.stamp() };
  world.state.users.set(userId, invited);
  return {
    details: detailsOf(invited, false),
    ...(verification.case === 'returnCode' ? { inviteCode: INVITE_CODE } : {}),
  };
}

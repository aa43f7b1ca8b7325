/** Users as returned by ZITADEL, as readings. */
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';
import { type HumanUser, type User, UserState } from '@zitadel/proto/zitadel/user/v2/user_pb.js';
import type { Reading } from '../bridge/ports/zitadel.ts';
import type { Facts } from '../mapping/facts.ts';
import { isMetadata } from '../mapping/facts.ts';

const STATES: Readonly<Partial<Record<UserState, string>>> = {
  [UserState.INACTIVE]: 'inactive',
  [UserState.LOCKED]: 'locked',
  [UserState.INITIAL]: 'initial',
};

/** undefined: not a human of this organization. The organization header does not separate (measured). */
export function readingOf(user: User | undefined, organization: string, metadata: Facts = {}): Reading | undefined {
  if (user?.type.case !== 'human' || user.details?.resourceOwner !== organization) return undefined;
  const { details } = user;
  // a user in an unknown state may be able to log in
  const state = STATES[user.state] ?? 'active';
  return {
    id: user.userId,
    facts: { ...factsOf(user.username, state, user.type.value), ...metadata },
    sequence: details.sequence.toString(),
    created: ms(details.creationDate),
    changed: ms(details.changeDate),
  };
}

function factsOf(username: string, state: string, { profile, email, phone }: HumanUser): Facts {
  const language = profile?.preferredLanguage;
  return assigned({
    username,
    givenName: profile?.givenName,
    familyName: profile?.familyName,
    nickName: profile?.nickName,
    displayName: profile?.displayName,
    // what ZITADEL stores for none and for an unrecognised one
    preferredLanguage: language === 'und' ? undefined : language,
    email: email?.email,
    phone: phone?.phone,
    state,
  });
}

function assigned(facts: Readonly<Record<string, string | undefined>>): Facts {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) if (value !== undefined && value !== '') out[name] = value;
  return out;
}

const ms = (date: Timestamp | undefined): number => (date === undefined ? 0 : timestampMs(date));

/** The metadata that SCIM keeps; other keys belong to other applications. */
export function metadataFacts(rows: readonly { readonly key: string; readonly value: Uint8Array }[]): Facts {
  return Object.fromEntries(
    rows.flatMap(({ key, value }) => (isMetadata(key) ? [[key, Buffer.from(value).toString('utf8')]] : [])),
  );
}

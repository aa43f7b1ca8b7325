/**
 * THE ATTRIBUTE TABLE: where each SCIM attribute of a user is stored in ZITADEL, and how it is converted. The
 * attributes themselves: schema.ts. docs/mapping.md is generated from both.
 */
import { languageTag, name } from './canonical.ts';
import { activeState, emailList, json, phoneList, profile, text } from './codecs.ts';
import type { Codec } from './codecs.ts';
import { ENTERPRISE_URN } from './schema.ts';

/** One row: a SCIM path and its place. */
export interface AttributeRow {
  /** attribute name, `name.givenName` where sub-attributes are stored separately, or the URN of an extension */
  readonly path: string;
  /** conversion to facts and back; null: not kept (computed by the bridge, or never stored) */
  readonly codec: Codec | null;
  /** where it is stored, for people */
  readonly place: string;
}

const row = (path: string, codec: Codec | null, place: string): AttributeRow => ({ path, codec, place });

// biome-ignore format: one row is one fact
export const ATTRIBUTES: readonly AttributeRow[] = [
  row('schemas', null, 'computed'),
  row('id', null, 'user id'),
  row('externalId', text('externalId'), 'metadata urn:zitadel:scim:externalId'),
  row('meta', null, 'user details'),
  row('userName', profile('username', 'userName', name), 'username'),
  row('name.formatted', text('name.formatted'), 'metadata urn:zitadel:scim:name.formatted'),
  row('name.familyName', profile('familyName', 'name.familyName', name), 'profile family_name'),
  row('name.givenName', profile('givenName', 'name.givenName', name), 'profile given_name'),
  row('name.middleName', text('name.middleName'), 'metadata urn:zitadel:scim:name.middleName'),
  row('name.honorificPrefix', text('name.honorificPrefix'), 'metadata urn:zitadel:scim:name.honorificPrefix'),
  row('name.honorificSuffix', text('name.honorificSuffix'), 'metadata urn:zitadel:scim:name.honorificSuffix'),
  row('displayName', profile('displayName', 'displayName', name), 'profile display_name'),
  row('nickName', profile('nickName', 'nickName', name), 'profile nick_name'),
  row('profileUrl', text('profileUrl'), 'metadata urn:zitadel:scim:profileUrl'),
  row('title', text('title'), 'metadata urn:zitadel:scim:title'),
  row('userType', text('userType'), 'metadata urn:zitadel:scim:userType'),
  row('preferredLanguage', profile('preferredLanguage', 'preferredLanguage', languageTag), 'profile preferred_language'),
  row('locale', text('locale'), 'metadata urn:zitadel:scim:locale'),
  row('timezone', text('timezone'), 'metadata urn:zitadel:scim:timezone'),
  row('active', activeState, 'user state'),
  row('password', null, 'password, only with PASSWORDS=set'),
  row('emails', emailList, 'email (primary, else first) and metadata urn:zitadel:scim:emails'),
  row('phoneNumbers', phoneList, 'phone (primary, else first) and metadata urn:zitadel:scim:phoneNumbers'),
  row('ims', json('ims'), 'metadata urn:zitadel:scim:ims'),
  row('photos', json('photos'), 'metadata urn:zitadel:scim:photos'),
  row('addresses', json('addresses'), 'metadata urn:zitadel:scim:addresses'),
  row('groups', null, 'computed'),
  row('entitlements', json('entitlements'), 'metadata urn:zitadel:scim:entitlements'),
  row('roles', json('roles'), 'metadata urn:zitadel:scim:roles'),
  row('x509Certificates', json('x509Certificates'), 'metadata urn:zitadel:scim:x509Certificates'),
  row(ENTERPRISE_URN, json('enterprise'), 'metadata urn:zitadel:scim:enterprise'),
];

/**
 * THE ATTRIBUTE TABLE: every SCIM attribute of a user, where it lives in ZITADEL, how it gets there and back, and how /Schemas shows it.
 * Nobody else lists attributes. docs/mapping.md is generated from it.
 */
import { languageTag, name } from './canonical.ts';
import { activeState, emailList, json, phoneList, profile, text } from './codecs.ts';
import type { Codec } from './codecs.ts';
import type { ResourceSchema, Schema, SchemaAttribute, ScimType } from './schema.ts';

export const USER_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** One row: a SCIM path (attribute, or attribute.sub where the sub-attributes live apart) and its place. */
export interface AttributeRow extends SchemaAttribute {
  /** attribute name, `name.givenName`, or the URN of an extension */
  readonly path: string;
  /** how it gets into facts and back; null: not kept (computed by the bridge, or never stored) */
  readonly codec: Codec | null;
  /** where it lives, for people */
  readonly place: string;
  /** stands at the top of every resource and in no schema (RFC 7643 §3.1) */
  readonly common?: boolean;
}

type Shape = Partial<Omit<SchemaAttribute, 'name' | 'type' | 'description'>>;

/** An attribute with the usual characteristics (RFC 7643 §2.2), except those that `shape` names. */
export function attribute(name: string, type: ScimType, description: string, shape: Shape = {}): SchemaAttribute {
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...shape,
  };
}

type RowShape = Shape & { readonly common?: boolean };

function row(
  path: string,
  type: ScimType,
  codec: Codec | null,
  place: string,
  description: string,
  shape: RowShape = {},
): AttributeRow {
  return {
    ...attribute(path.startsWith('urn:') ? path : path.slice(path.indexOf('.') + 1), type, description, shape),
    path,
    codec,
    place,
  };
}

const exact = { caseExact: true } as const;
const readOnly = { mutability: 'readOnly' } as const;

/** value, display, type, primary: the sub-attributes of RFC 7643 §2.4. */
function plural(what: string, types: readonly string[], valueType: ScimType = 'string', shape: Shape = {}): Shape {
  return {
    multiValued: true,
    subAttributes: [
      attribute('value', valueType, `The ${what}.`, { ...shape }),
      attribute('display', 'string', 'A name for people to read.'),
      attribute('type', 'string', `What the ${what} is for.`, types.length > 0 ? { canonicalValues: types } : {}),
      attribute('primary', 'boolean', 'The preferred one; at most one element has it.'),
    ],
  };
}

const META = [
  attribute('resourceType', 'string', 'User or Group.', { ...readOnly, ...exact }),
  attribute('created', 'dateTime', 'When it was made.', readOnly),
  attribute('lastModified', 'dateTime', 'When it last changed.', readOnly),
  attribute('location', 'reference', 'Its URL.', { ...readOnly, ...exact, referenceTypes: ['uri'] }),
  attribute('version', 'string', 'Its ETag.', { ...readOnly, ...exact }),
];

const ADDRESS: Shape = {
  multiValued: true,
  subAttributes: [
    attribute('formatted', 'string', 'The full address, with line breaks.'),
    attribute('streetAddress', 'string', 'Street and number.'),
    attribute('locality', 'string', 'City.'),
    attribute('region', 'string', 'State or region.'),
    attribute('postalCode', 'string', 'Postal code.'),
    attribute('country', 'string', 'Country, ISO 3166-1 alpha-2.'),
    attribute('type', 'string', 'What the address is for.', { canonicalValues: ['work', 'home', 'other'] }),
    attribute('primary', 'boolean', 'The preferred one; at most one element has it.'),
  ],
};

const ENTERPRISE: readonly SchemaAttribute[] = [
  attribute('employeeNumber', 'string', 'Number or code that the organization gave the person.'),
  attribute('costCenter', 'string', 'Cost center.'),
  attribute('organization', 'string', 'Organization.'),
  attribute('division', 'string', 'Division.'),
  attribute('department', 'string', 'Department.'),
  attribute('manager', 'complex', 'The manager of the person.', {
    subAttributes: [
      attribute('value', 'string', 'The id of the manager.', exact),
      attribute('$ref', 'reference', 'The URL of the manager.', { ...exact, referenceTypes: ['User'] }),
      attribute('displayName', 'string', 'The name of the manager.'),
    ],
  }),
];

const GROUPS: Shape = {
  ...readOnly,
  multiValued: true,
  subAttributes: [
    attribute('value', 'string', 'The id of the group.', { ...readOnly, ...exact }),
    attribute('$ref', 'reference', 'The URL of the group.', { ...readOnly, ...exact, referenceTypes: ['Group'] }),
    attribute('display', 'string', 'The name of the group.', readOnly),
    attribute('type', 'string', 'direct or indirect.', { ...readOnly, canonicalValues: ['direct', 'indirect'] }),
  ],
};

const PHONES = ['work', 'home', 'mobile', 'fax', 'pager', 'other'];
const IMS = ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo'];

// biome-ignore format: one row is one fact
export const ATTRIBUTES: readonly AttributeRow[] = [
  row('schemas', 'reference', null, 'computed', 'URNs of the schemas of this resource.', { ...exact, common: true, multiValued: true, returned: 'always', ...readOnly }),
  row('id', 'string', null, 'user id', 'Id given by the bridge; the ZITADEL user id.', { ...exact, ...readOnly, common: true, returned: 'always', uniqueness: 'server' }),
  row('externalId', 'string', text('externalId'), 'metadata urn:zitadel:scim:externalId', 'Id given by the client.', { ...exact, common: true }),
  row('meta', 'complex', null, 'user details', 'About the resource.', { ...readOnly, common: true, subAttributes: META }),
  row('userName', 'string', profile('username', 'userName', name), 'username', 'Unique in the ZITADEL instance, without regard to case.', { required: true, uniqueness: 'server' }),
  row('name.formatted', 'string', text('name.formatted'), 'metadata urn:zitadel:scim:name.formatted', 'The full name, ready to show.'),
  row('name.familyName', 'string', profile('familyName', 'name.familyName', name), 'profile family_name', 'Last name.'),
  row('name.givenName', 'string', profile('givenName', 'name.givenName', name), 'profile given_name', 'First name.'),
  row('name.middleName', 'string', text('name.middleName'), 'metadata urn:zitadel:scim:name.middleName', 'Middle names.'),
  row('name.honorificPrefix', 'string', text('name.honorificPrefix'), 'metadata urn:zitadel:scim:name.honorificPrefix', 'Title before the name.'),
  row('name.honorificSuffix', 'string', text('name.honorificSuffix'), 'metadata urn:zitadel:scim:name.honorificSuffix', 'Suffix after the name.'),
  row('displayName', 'string', profile('displayName', 'displayName', name), 'profile display_name', 'The name shown to people.'),
  row('nickName', 'string', profile('nickName', 'nickName', name), 'profile nick_name', 'Casual name.'),
  row('profileUrl', 'reference', text('profileUrl'), 'metadata urn:zitadel:scim:profileUrl', 'URL of the profile of the person.', { ...exact, referenceTypes: ['external'] }),
  row('title', 'string', text('title'), 'metadata urn:zitadel:scim:title', 'Job title.'),
  row('userType', 'string', text('userType'), 'metadata urn:zitadel:scim:userType', 'Relation to the organization, e.g. Contractor.'),
  row('preferredLanguage', 'string', profile('preferredLanguage', 'preferredLanguage', languageTag), 'profile preferred_language', 'Preferred language, BCP 47.'),
  row('locale', 'string', text('locale'), 'metadata urn:zitadel:scim:locale', 'Locale for dates and numbers, e.g. en-US.'),
  row('timezone', 'string', text('timezone'), 'metadata urn:zitadel:scim:timezone', 'Time zone, e.g. Europe/Zurich.'),
  row('active', 'boolean', activeState, 'user state', 'Whether the person may log in.'),
  row('password', 'string', null, 'password, only with PASSWORDS=set', 'Initial password; never returned.', { ...exact, mutability: 'writeOnly', returned: 'never' }),
  row('emails', 'complex', emailList, 'email (primary, else first) and metadata urn:zitadel:scim:emails', 'E-mail addresses.', plural('e-mail address', ['work', 'home', 'other'])),
  row('phoneNumbers', 'complex', phoneList, 'phone (primary, else first) and metadata urn:zitadel:scim:phoneNumbers', 'Phone numbers.', plural('phone number', PHONES)),
  row('ims', 'complex', json('ims'), 'metadata urn:zitadel:scim:ims', 'Instant messaging addresses.', plural('address', IMS)),
  row('photos', 'complex', json('photos'), 'metadata urn:zitadel:scim:photos', 'URLs of photos.', plural('URL of the photo', ['photo', 'thumbnail'], 'reference', { ...exact, referenceTypes: ['external'] })),
  row('addresses', 'complex', json('addresses'), 'metadata urn:zitadel:scim:addresses', 'Postal addresses.', ADDRESS),
  row('groups', 'complex', null, 'computed', 'Groups the person is a member of.', GROUPS),
  row('entitlements', 'complex', json('entitlements'), 'metadata urn:zitadel:scim:entitlements', 'Entitlements.', plural('entitlement', [])),
  row('roles', 'complex', json('roles'), 'metadata urn:zitadel:scim:roles', 'Roles, as the client names them; they grant nothing in ZITADEL.', plural('role', [])),
  row('x509Certificates', 'complex', json('x509Certificates'), 'metadata urn:zitadel:scim:x509Certificates', 'Certificates, base64 DER.', plural('certificate', [], 'binary', exact)),
  row(ENTERPRISE_URN, 'complex', json('enterprise'), 'metadata urn:zitadel:scim:enterprise', 'The enterprise extension.', { subAttributes: ENTERPRISE }),
];

/** Rows whose path is `name.…` become sub-attributes of one complex attribute. */
function tree(rows: readonly AttributeRow[]): SchemaAttribute[] {
  const out = new Map<string, SchemaAttribute>();
  for (const each of rows) {
    const [parent, sub] = each.path.split('.');
    if (parent === undefined) continue;
    if (sub === undefined) {
      out.set(parent, schemaPart(each));
      continue;
    }
    const node = out.get(parent) ?? attribute(parent, 'complex', 'The parts of the name.');
    out.set(parent, { ...node, subAttributes: [...(node.subAttributes ?? []), schemaPart(each)] });
  }
  return [...out.values()];
}

function schemaPart({
  path: _path,
  codec: _codec,
  place: _place,
  common: _common,
  ...rest
}: AttributeRow): SchemaAttribute {
  return rest;
}

const inCore = (each: AttributeRow): boolean => !each.path.startsWith('urn:');

/** What /Schemas shows (RFC 7643 §8.7.1): without the common attributes. */
export const USER_SCHEMA: Schema = {
  id: USER_URN,
  name: 'User',
  description: 'A person.',
  attributes: tree(ATTRIBUTES.filter((each) => inCore(each) && each.common !== true)),
};

export const ENTERPRISE_SCHEMA: Schema = {
  id: ENTERPRISE_URN,
  name: 'EnterpriseUser',
  description: 'A person in an organization.',
  attributes: ENTERPRISE,
};

/** What stands at the top of every resource and in no schema (RFC 7643 §3.1). */
export const COMMON: readonly SchemaAttribute[] = tree(ATTRIBUTES.filter(({ common }) => common === true));

/** What bodies, filters and patches are checked against: common attributes included. */
export const USER: ResourceSchema = {
  core: { ...USER_SCHEMA, attributes: tree(ATTRIBUTES.filter(inCore)) },
  extensions: [ENTERPRISE_SCHEMA],
};

/** `schemas` of a user (RFC 7643 §3.3): the extensions that have a value count. */
export const schemasOf = (user: Readonly<Record<string, unknown>>): readonly string[] => [
  USER_URN,
  ...USER.extensions.map(({ id }) => id).filter((urn) => Object.hasOwn(user, urn)),
];

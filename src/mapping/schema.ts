/**
 * The schemas of users and groups (RFC 7643 §7): what /Schemas shows, what bodies, filters and patches are checked
 * against. scimmy declares them; the table below has this bridge's differences. docs/decisions/0015.
 */
import { Schemas, type Types } from 'scimmy';
import { descriptionOf } from './descriptions.ts';

export type ScimType = 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'reference' | 'binary' | 'complex';

/** One attribute or sub-attribute (RFC 7643 §7). */
export interface SchemaAttribute {
  readonly name: string;
  readonly type: ScimType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
  readonly returned: 'always' | 'never' | 'default' | 'request';
  readonly uniqueness: 'none' | 'server' | 'global';
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly subAttributes?: readonly SchemaAttribute[];
}

/** One schema with its URN, e.g. urn:ietf:params:scim:schemas:core:2.0:User. */
export interface Schema {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly SchemaAttribute[];
}

/** A resource type: its core schema (whose attributes stand at the top of a resource) and its extensions (objects under their URN). */
export interface ResourceSchema {
  readonly core: Schema;
  readonly extensions: readonly Schema[];
}

type Deviation = Partial<Omit<SchemaAttribute, 'name' | 'canonicalValues'>> & {
  /** false: scimmy's empty list would allow no value */
  readonly canonicalValues?: false;
  /** shown after its siblings */
  readonly last?: true;
};

const exact = { caseExact: true } as const;

/**
 * Where this bridge differs from scimmy's declarations. References are case-exact (RFC 7643 §2.3.7), and so are ids, ETags and passwords.
 * The texts of descriptions: descriptions.ts.
 */
export const DEVIATIONS: Readonly<Record<string, Readonly<Record<string, Deviation>>>> = {
  // the bridge generates these; clients need not send them
  Common: {
    schemas: { ...exact, mutability: 'readOnly', returned: 'always' },
    id: { required: false, uniqueness: 'server' },
    meta: { required: false },
    'meta.resourceType': { required: false },
    'meta.location': { ...exact, type: 'reference', referenceTypes: ['uri'] },
    'meta.version': exact,
  },
  User: {
    profileUrl: exact,
    password: exact,
    'photos.value': exact,
    'groups.value': exact,
    'groups.$ref': { ...exact, referenceTypes: ['Group'] },
    'roles.type': { canonicalValues: false },
    'x509Certificates.type': { canonicalValues: false },
  },
  EnterpriseUser: {
    'manager.value': exact,
    'manager.$ref': exact,
    // the manager need not be a user of the bridge, so the name is kept as the client sends it
    'manager.displayName': { mutability: 'readWrite' },
  },
  Group: {
    'members.value': exact,
    'members.$ref': exact,
    'members.display': { mutability: 'readOnly', last: true },
  },
};

/** What /Schemas shows (RFC 7643 §8.7.1): without the common attributes. */
export const USER_SCHEMA = declared(Schemas.User);
const ENTERPRISE_SCHEMA = declared(Schemas.EnterpriseUser);
export const GROUP_SCHEMA = declared(Schemas.Group);

export const USER_URN = USER_SCHEMA.id;
export const ENTERPRISE_URN = ENTERPRISE_SCHEMA.id;
export const GROUP_URN = GROUP_SCHEMA.id;

/** Attributes at the top of every resource that are in no schema (RFC 7643 §3.1). */
const COMMON: readonly SchemaAttribute[] = copyOf(Schemas.User.definition.attributes)
  .filter(({ name }) => USER_SCHEMA.attributes.every((each) => each.name !== name))
  .map((each) => attributeOf(each, 'Common', each.name));

/** What bodies, filters and patches are checked against: common attributes included. */
export const USER: ResourceSchema = {
  core: { ...USER_SCHEMA, attributes: [...COMMON, ...USER_SCHEMA.attributes] },
  extensions: [ENTERPRISE_SCHEMA],
};

export const GROUP: ResourceSchema = {
  core: { ...GROUP_SCHEMA, attributes: [...COMMON, ...GROUP_SCHEMA.attributes] },
  extensions: [],
};

/** `schemas` of a user (RFC 7643 §3.3): names the extensions that have a value. */
export const schemasOf = (user: Readonly<Record<string, unknown>>): readonly string[] => [
  USER_URN,
  ...USER.extensions.map(({ id }) => id).filter((urn) => Object.hasOwn(user, urn)),
];

function declared({ definition }: { readonly definition: Types.SchemaDefinition }): Schema {
  const { id, name, description, attributes } = definition.describe();
  return {
    id,
    name,
    description: descriptionOf(name, '') ?? description,
    attributes: copyOf(attributes).map((each) => attributeOf(each, name, each.name)),
  };
}

/** A copy: scimmy's definitions are shared by the process and mutable. */
function copyOf(attributes: readonly object[]): readonly Types.Attribute.AttributeDefinition[] {
  return JSON.parse(JSON.stringify(attributes)) as readonly Types.Attribute.AttributeDefinition[];
}

/** scimmy leaves out caseExact and uniqueness where their defaults hold (RFC 7643 §2.2); here and in /Schemas they are always said. */
function attributeOf(from: Types.Attribute.AttributeDefinition, schema: string, path: string): SchemaAttribute {
  const { last: _last, canonicalValues = from.canonicalValues, ...deviation } = DEVIATIONS[schema]?.[path] ?? {};
  const isLast = ({ name }: { readonly name: string }): boolean =>
    DEVIATIONS[schema]?.[`${path}.${name}`]?.last === true;
  return {
    name: from.name,
    type: from.type,
    description: descriptionOf(schema, path) ?? from.description,
    multiValued: from.multiValued,
    required: from.required,
    caseExact: from.caseExact ?? false,
    mutability: from.mutability as SchemaAttribute['mutability'],
    returned: from.returned as SchemaAttribute['returned'],
    uniqueness: (from.uniqueness ?? 'none') as SchemaAttribute['uniqueness'],
    ...(from.referenceTypes && { referenceTypes: from.referenceTypes }),
    ...(canonicalValues && { canonicalValues }),
    ...(from.subAttributes && {
      subAttributes: from.subAttributes
        .toSorted((a, b) => Number(isLast(a)) - Number(isLast(b)))
        .map((each) => attributeOf(each, schema, `${path}.${each.name}`)),
    }),
    ...deviation,
  };
}

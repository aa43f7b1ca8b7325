/** The shape of a SCIM resource as RFC 7643 §7 describes it: what /Schemas shows, what filters and patches are checked against. */

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

/** scimmy judges answers: each must be a resource or a message of RFC 7643 and RFC 7644, with nothing beside it. */
import assert from 'node:assert/strict';
import { Messages, Schemas, Types } from 'scimmy';

type Json = Readonly<Record<string, unknown>>;

/** Statuses that ErrorResponse does not know. */
const UNKNOWN_TO_SCIMMY: ReadonlySet<number> = new Set([405, 415, 422, 428, 429, 431, 503]);

const SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Schema';

/**
 * A copy, as definitions are one per process. A projection may leave out what is required, and canonical values are suggestions
 * (RFC 7643 §7).
 */
function copyOf({ name, id, description, attributes }: Types.SchemaDefinition): Types.SchemaDefinition {
  const copy = new Types.SchemaDefinition(name, id, description);
  const common = new Set(copy.attributes.map((each) => each.name));
  copy.attribute('id').config.required = false;
  return copy.extend(attributes.filter((each) => !common.has(each.name)).map(attributeOf));
}

function attributeOf({ type, name, config, subAttributes = [] }: Types.Attribute): Types.Attribute {
  return new Types.Attribute(
    type,
    name,
    { ...config, required: false, canonicalValues: false },
    subAttributes.map(attributeOf),
  );
}

const CONFIG = copyOf(Schemas.ServiceProviderConfig.definition);
// RFC 7643 §8.5 shows it, scimmy does not
CONFIG.attribute('authenticationSchemes').subAttributes?.push(new Types.Attribute('boolean', 'primary'));

const DEFINITIONS: readonly Types.SchemaDefinition[] = [
  copyOf(Schemas.User.definition).extend(copyOf(Schemas.EnterpriseUser.definition)),
  copyOf(Schemas.Group.definition),
  copyOf(Schemas.ResourceType.definition),
  CONFIG,
];

/** Throws when the body of an answer is not one that every SCIM client understands. */
export function judge(status: number, body: unknown): void {
  if (body === undefined) return;
  assert.ok(typeof body === 'object' && body !== null, JSON.stringify(body));
  const [schema] = urns(body as Json);
  if (status >= 400 || schema === Messages.ErrorResponse.id) judgeError(status, body as Json);
  else if (schema === Messages.ListResponse.id) judgeList(body as Json);
  else judgeResource(body as Json);
}

/** Without `schemas`: with it the constructor takes the body for an error of another server, and throws that. */
function judgeError(status: number, { schemas, ...body }: Json): void {
  const error = new Messages.ErrorResponse(UNKNOWN_TO_SCIMMY.has(status) ? { ...body, status: 400 } : body);
  assert.deepEqual({ ...body, schemas }, { ...error, status: String(status) });
}

/** The constructor cuts a page to startIndex once more, so the resources are taken from the body. */
function judgeList(body: Json): void {
  const { totalResults, startIndex, itemsPerPage } = new Messages.ListResponse(body as never);
  const resources = body['Resources'];
  assert.ok(Array.isArray(resources));
  assert.deepEqual(body, {
    schemas: [Messages.ListResponse.id],
    totalResults,
    startIndex,
    itemsPerPage,
    Resources: resources,
  });
  assert.equal(itemsPerPage, resources.length);
  for (const each of resources as readonly Json[]) judgeResource(each);
}

function judgeResource(body: Json): void {
  const [schema] = urns(body);
  if (schema === SCHEMA_URN) {
    judgeSchema(body as unknown as Types.SchemaDefinition.SchemaDescription);
    return;
  }
  const definition = DEFINITIONS.find(({ id }) => id === schema) ?? assert.fail(`no resource is a ${String(schema)}`);
  const { meta, ...rest } = JSON.parse(JSON.stringify(definition.coerce(body, 'out'))) as Json;
  // coerce adds `meta` where a projection left it out
  assert.deepEqual(body['meta'] === undefined ? rest : { ...rest, meta }, body);
}

/** The definition that a schema of /Schemas describes must be possible, and describe itself in the same way. */
function judgeSchema({ meta, ...schema }: Types.SchemaDefinition.SchemaDescription): void {
  const { name, id, description, attributes } = schema;
  const definition = new Types.SchemaDefinition(name, id, description, attributes.map(declared));
  const { meta: itsMeta, ...described } = definition.describe();
  assert.equal(meta.resourceType, itsMeta.resourceType);
  assert.partialDeepStrictEqual(schema, JSON.parse(JSON.stringify(described)) as Json);
}

function declared({
  type,
  name,
  mutability: mutable,
  subAttributes = [],
  ...config
}: Types.Attribute.AttributeDefinition): Types.Attribute {
  return new Types.Attribute(type, name, { ...config, mutable }, subAttributes.map(declared));
}

const urns = ({ schemas }: Json): readonly unknown[] => (Array.isArray(schemas) ? schemas : []);

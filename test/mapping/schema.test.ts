import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Schemas, Types } from 'scimmy';
import { attributeAt } from '../../src/mapping/attribute-path.ts';
import { ATTRIBUTES } from '../../src/mapping/attributes.ts';
import { GROUP_ATTRIBUTES } from '../../src/mapping/group-attributes.ts';
import { DEVIATIONS, GROUP, type ResourceSchema, USER } from '../../src/mapping/schema.ts';

/** Paths that need a place: attributes, the sub-attributes of a single complex one that live apart, extensions as a whole. */
const paths = ({ core, extensions }: ResourceSchema): readonly string[] => [
  ...core.attributes.flatMap(({ name, subAttributes = [] }) =>
    name === 'name' ? subAttributes.map((sub) => `name.${sub.name}`) : [name],
  ),
  ...extensions.map(({ id }) => id),
];

test('each attribute of a user has one row in the attribute table, and no row is without an attribute', () => {
  assert.deepEqual(ATTRIBUTES.map(({ path }) => path).toSorted(), paths(USER).toSorted());
});

test('each attribute of a group has its place, and no place is without an attribute', () => {
  assert.deepEqual([...new Set(GROUP_ATTRIBUTES.map(({ path }) => path))].toSorted(), paths(GROUP).toSorted());
});

const SCIMMY: Readonly<Record<string, readonly [ResourceSchema, Types.SchemaDefinition]>> = {
  Common: [USER, Schemas.User.definition],
  User: [USER, Schemas.User.definition],
  EnterpriseUser: [USER, Schemas.EnterpriseUser.definition],
  Group: [GROUP, Schemas.Group.definition],
};

test('each deviation names an attribute of its schema, and differs from what scimmy declares', () => {
  for (const [schema, deviations] of Object.entries(DEVIATIONS)) {
    const [ours, theirs] = SCIMMY[schema] ?? assert.fail(schema);
    for (const [path, { last: _last, ...deviation }] of Object.entries(deviations)) {
      const declared: Readonly<Record<string, unknown>> = { ...theirs.attribute(path).toJSON() };
      const shown: Readonly<Record<string, unknown>> = { ...attributeAt(path, ours) };
      for (const [name, value] of Object.entries(deviation)) {
        assert.deepEqual(shown[name] ?? false, value, `${path}: ${name}`);
        assert.notDeepEqual(declared[name], value, `${path}: ${name} is what scimmy declares`);
      }
    }
  }
});

test('what others do to the definitions of scimmy does not reach the schema', () => {
  const { config } = Schemas.User.definition.attribute('userName');
  config.required = false;
  try {
    assert.equal(attributeAt('userName', USER).required, true);
    const { canonicalValues } = Schemas.User.definition.attribute('emails.type').config;
    assert.notEqual(attributeAt('emails.type', USER).canonicalValues, canonicalValues);
  } finally {
    config.required = true;
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePatchPath } from '../../src/scim/patch/path.ts';
import { refuses } from '../mapping/refusal.ts';
import { ENTERPRISE, SCHEMA, USER } from '../mapping/test-schema.ts';

const parse = (text: string): unknown => {
  const target = parsePatchPath(text, SCHEMA);
  if (!target) return undefined;
  if (target.kind === 'extension') return target.urn;
  const { path, elements } = target;
  return [path.extension ?? '', path.attribute.name, path.sub?.name ?? '', elements?.filter.kind ?? ''];
};

test('RFC 7644 §3.5.2 paths', () => {
  const paths: Readonly<Record<string, unknown>> = {
    userName: ['', 'userName', '', ''],
    'NAME.GIVENNAME': ['', 'name', 'givenName', ''],
    'emails[type eq "work"]': ['', 'emails', '', 'compare'],
    'emails[type eq "work"].value': ['', 'emails', 'value', 'compare'],
    'emails[type eq "a].value" and primary eq "True"].value': ['', 'emails', 'value', 'and'],
    [`${USER}:emails[type eq "work"].value`]: ['', 'emails', 'value', 'compare'],
    [`${ENTERPRISE}:manager`]: [ENTERPRISE, 'manager', '', ''],
    [`${ENTERPRISE.toLowerCase()}:manager.value`]: [ENTERPRISE, 'manager', 'value', ''],
    manager: [ENTERPRISE, 'manager', '', ''],
    [ENTERPRISE]: ENTERPRISE,
    // a simple attribute has no sub-attributes: this can only mean its value
    'userName.value': ['', 'userName', '', ''],
    shoeSize: undefined,
    'shoes[type eq "left"].size': undefined,
    'emails[type eq "work"].size': undefined,
    __proto__: undefined,
  };
  for (const [text, wanted] of Object.entries(paths)) assert.deepEqual(parse(text), wanted, text);
});

test('the elements of a path', () => {
  const target = parsePatchPath('emails[type eq "work"].value', SCHEMA);
  assert.ok(target?.kind === 'attribute' && target.elements);
  assert.deepEqual([{ type: 'Work' }, { type: 'home' }, {}].map(target.elements.match), [true, false, false]);
});

test('RFC 7644 §3.12 malformed paths are invalidPath, what stands in brackets is invalidFilter', () => {
  const malformed = ['', 'a b', 'a.b.c', '.a', 'emails]', 'emails[type eq "x"', 'emails]type[', 'emails[type pr]value'];
  for (const text of [...malformed, 'emails[type pr].a.b', 'emails[type pr].a:b', 'name.x[a pr]', 'userName[value pr]'])
    refuses(() => parse(text), 'invalidPath');
  for (const text of [
    'emails[]',
    'emails[type]',
    'emails[shoe pr]',
    'emails[type pr][type pr]',
    'emails[primary gt true]',
  ])
    refuses(() => parse(text), 'invalidFilter');
});

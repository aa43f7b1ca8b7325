/** Random SCIM users that use every row of THE ATTRIBUTE TABLE, as coercion would give them: no null, "" or []. */
import fc from 'fast-check';
import { USER, type SchemaAttribute } from '../../src/mapping/schema.ts';
import type { ScimUser } from '../../src/mapping/users.ts';

const word = fc.oneof(
  fc.string({ minLength: 1, maxLength: 20 }).filter((each) => each.trim() !== ''),
  fc.constantFrom('Ada', ' padded ', 'Ünïcode', 'O’Hara', '"quoted"', '__proto__', '{}', '名前'),
);

const SPECIAL: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  userName: fc.oneof(word, fc.constantFrom('ada@example.com', 'Ada@Example.COM', ' ada ')),
  preferredLanguage: fc.constantFrom(
    'en',
    'EN',
    'en_US',
    'de-CH',
    'klingon',
    'xx-bogus',
    'zh-Hant-TW',
    'da, en-gb;q=0.8',
    '!!',
  ),
  active: fc.boolean(),
  'emails.value': fc.constantFrom('ada@example.com', ' bob@example.com', 'C@Example.Test'),
  'phoneNumbers.value': fc.constantFrom(
    '+41791234567',
    '+41 (0)79 123 45 67',
    '079 123 45 67',
    'tel:+1-201-555-0123',
    '+999123',
  ),
};

function value(attribute: SchemaAttribute, path: string): fc.Arbitrary<unknown> {
  const special = SPECIAL[path];
  if (special !== undefined) return special;
  if (attribute.type === 'boolean') return fc.boolean();
  if (attribute.type !== 'complex') return word;
  return object(attribute.subAttributes ?? [], `${path}.`);
}

function object(
  attributes: readonly SchemaAttribute[],
  prefix: string,
  required: readonly string[] = [],
): fc.Arbitrary<object> {
  const fields = Object.fromEntries(
    attributes
      .filter((each) => each.mutability === 'readWrite')
      .map((each) => {
        const one = value(each, prefix + each.name);
        return [each.name, each.multiValued ? fc.array(one, { minLength: 1, maxLength: 3 }).map(onePrimary) : one];
      }),
  );
  return fc
    .record(fields, { requiredKeys: required.filter((name) => name in fields), noNullPrototype: true })
    .filter((each) => Object.keys(each).length > 0);
}

/** Coercion leaves at most one primary, and no element of a list without a value where ZITADEL needs one. */
function onePrimary(elements: readonly unknown[]): unknown[] {
  let had = false;
  return elements.map((each) => {
    const element = { ...(each as Record<string, unknown>) };
    if (element['primary'] === true && had) delete element['primary'];
    had ||= element['primary'] === true;
    return element;
  });
}

const [enterprise] = USER.extensions;

export const arbitraryUser: fc.Arbitrary<ScimUser> = fc
  .tuple(
    object(USER.core.attributes, '', ['userName']),
    fc.option(object(enterprise?.attributes ?? [], ''), { nil: undefined }),
  )
  .map(([core, extension]) => {
    const user: Record<string, unknown> = { ...core };
    for (const list of ['emails', 'phoneNumbers']) {
      const kept = ((user[list] ?? []) as readonly { value?: string }[]).filter((each) => each.value !== undefined);
      if (kept.length > 0) user[list] = kept;
      else delete user[list];
    }
    if (extension !== undefined && enterprise !== undefined) user[enterprise.id] = extension;
    return user;
  });

/** Values of every attribute of THE ATTRIBUTE TABLE, the forms in which clients send them, and forms that have no one meaning. */
import fc from 'fast-check';
import { USER, type SchemaAttribute } from '../../src/mapping/schema.ts';

export type Json = Readonly<Record<string, unknown>>;

/** An attribute and where it stands: `title`, `urn:…:User:department`. */
export interface Place {
  readonly path: string;
  readonly extension: string | undefined;
  readonly attribute: SchemaAttribute;
}

const isWritable = ({ mutability, returned }: SchemaAttribute): boolean =>
  mutability !== 'readOnly' && returned !== 'never';

export const PLACES: readonly Place[] = [USER.core, ...USER.extensions].flatMap((schema) =>
  schema.attributes.filter(isWritable).map((attribute) => {
    const extension = schema === USER.core ? undefined : schema.id;
    return { path: extension === undefined ? attribute.name : `${extension}:${attribute.name}`, extension, attribute };
  }),
);

/** A valid value as the schema writes it, and a form that must be read as it. */
export interface Formed {
  readonly plain: unknown;
  readonly form: unknown;
}

const TEXT = fc.oneof(
  fc.stringMatching(/^[A-Za-z][A-Za-z0-9 .@-]{0,20}$/),
  fc.integer({ min: 0, max: 10 ** 15 }).map(String),
  fc.constantFrom('0', '-7', '0.5', '007', 'true', 'null', '{', '[x]', '{"a":1}', 'Zoë "Z" O\'Neill'),
);
const SIMPLE: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: TEXT,
  reference: fc.constantFrom('https://example.com/1', '../Users/7'),
  binary: fc.constantFrom('QUJD', 'QQ=='),
  boolean: fc.boolean(),
};
const WORDS: Readonly<Record<string, readonly unknown[]>> = {
  true: ['true', 'True', 'TRUE', ' true ', 1, '1'],
  false: ['false', 'False', 'FALSE', ' False ', 0, '0'],
};

/** A form of a value of a simple type. */
function simple({ type }: SchemaAttribute): fc.Arbitrary<Formed> {
  const value = SIMPLE[type];
  if (value === undefined) throw new Error(`no value for a ${type}`);
  return value.chain((plain) => {
    const spelled: unknown[] = [plain];
    if (type === 'boolean') spelled.push(...(WORDS[String(plain)] ?? []));
    if (type === 'string' && String(Number(plain)) === plain) spelled.push(Number(plain));
    return fc
      .tuple(fc.constantFrom(...spelled), fc.array(fc.constantFrom(...WRAPS), { maxLength: 3 }))
      .map(([form, wraps]) => ({ plain, form: wraps.reduce<unknown>((inner, wrap) => wrap(inner), form) }));
  });
}

const WRAPS: readonly ((value: unknown) => unknown)[] = [
  (value) => [value],
  (value) => ({ value }),
  (value) => ({ $ref: null, Value: value }),
  (value) => ({ value, display: '', type: [] }),
];

const ABOUT = new Set(['type', 'primary', 'display']);

/** A form of an object: of some of its sub-attributes, each in a form of its own. */
function object({ subAttributes = [] }: SchemaAttribute): fc.Arbitrary<Formed> {
  const parts = subAttributes.filter(isWritable);
  const needed = parts.find(({ name }) => name === 'value') ?? parts.find(({ name }) => !ABOUT.has(name));
  return fc
    .record(Object.fromEntries(parts.map((part) => [part.name, simple(part)])), {
      requiredKeys: needed === undefined ? [] : [needed.name],
    })
    .map((record) => {
      const given = Object.entries(record as Record<string, Formed>);
      return {
        plain: Object.fromEntries(given.map(([name, { plain }]) => [name, plain])),
        form: Object.fromEntries(given.map(([name, { form }]) => [name, form])),
      };
    });
}

/** A form of one complex value: an object, a text for its `value`, JSON, a list of one. */
function complex(attribute: SchemaAttribute): fc.Arbitrary<Formed> {
  const value = attribute.subAttributes?.find(({ name }) => name === 'value');
  const objects = object(attribute);
  const texts = SIMPLE[value?.type ?? '']?.map((plain): Formed => ({ plain: { value: plain }, form: plain }));
  const asJson = objects.map(({ plain, form }): Formed => ({ plain, form: JSON.stringify(form) }));
  return fc
    .tuple(fc.oneof(objects, asJson, ...(texts ? [texts] : [])), fc.boolean())
    .map(([{ plain, form }, inList]) => ({ plain, form: inList ? [form] : form }));
}

/** A form of a list of objects: one value alone, a list of texts, JSON of it all. */
function list(attribute: SchemaAttribute): fc.Arbitrary<Formed> {
  const one = complex(attribute);
  const asList = (formed: readonly Formed[]): Formed => ({
    plain: formed.map(({ plain }) => plain),
    form: formed.map(({ form }) => form),
  });
  const many = fc.array(one, { minLength: 1, maxLength: 3 }).map(asList);
  return fc.oneof(
    many,
    one.map(({ plain, form }) => ({ plain: [plain], form })),
    many.map(({ plain, form }) => ({ plain, form: JSON.stringify(form) })),
  );
}

/** A value of an attribute and a form of it. */
export function formed({ attribute }: Place): fc.Arbitrary<Formed> {
  if (attribute.type !== 'complex') return simple(attribute);
  return attribute.multiValued ? list(attribute) : complex(attribute);
}

/** Forms that have two meanings, or none. */
export function ambiguous({ attribute }: Place): readonly unknown[] {
  const holdsValue = attribute.subAttributes?.some(({ name }) => name === 'value') === true;
  if (attribute.type === 'complex' && attribute.multiValued)
    return [true, [true], [['a', 'b']], [{ type: ['work', 'home'] }], ...(holdsValue ? [] : ['a', 7, ['a']])];
  if (attribute.type === 'complex') return [true, [{}, {}], ['a', 'b'], ...(holdsValue ? [] : ['a', 7])];
  const always = [['a', 'b'], [['a'], ['b']], {}, [{}], { value: 'a', display: 'b' }, { value: 'a', $ref: 'b' }];
  return attribute.type === 'boolean'
    ? [...always, 2, -1, 'yes', 'f', [true, true], { value: true, Value: false }]
    : [...always, true, 1e21, 2 ** 60, 1 / 3];
}

/** Valid filters, random users, and an evaluator of its own that says what matches. */

import { chance, int, pick, type Random } from './random.ts';
import { ENTERPRISE, USER } from './test-schema.ts';

export type Json = ReturnType<typeof JSON.parse>;

type Type = 'string' | 'exact' | 'boolean' | 'number' | 'dateTime' | 'binary';

interface Field {
  readonly names: readonly string[];
  readonly type: Type;
  readonly values: (holder: Json) => readonly Json[];
  /** for a complex attribute named alone: what `pr` looks at */
  readonly whole?: (holder: Json) => readonly Json[];
  /** for a complex attribute: what may stand in brackets */
  readonly parts?: readonly Field[];
}

/** A filter with its meaning: fields know how to find their own values, so that nothing of the product is needed to judge it. */
export type Spec =
  | { readonly is: 'and' | 'or'; readonly parts: readonly Spec[] }
  | { readonly is: 'not'; readonly part: Spec }
  | { readonly is: 'pr'; readonly field: Field }
  | { readonly is: 'in'; readonly field: Field; readonly part: Spec }
  | { readonly is: 'op'; readonly field: Field; readonly op: string; readonly literal: Json };

const list = (value: Json): readonly Json[] => (value === undefined || value === null ? [] : [value].flat(1));
const get = (holder: Json, name: string): Json =>
  holder !== null && typeof holder === 'object' && Object.keys(holder).includes(name) ? holder[name] : undefined;

const plain = (name: string, type: Type): Field => ({
  names: [name, `${USER}:${name}`],
  type,
  values: (user) => list(get(user, name)),
});
const sub = (name: string, part: string, type: Type): Field => ({
  names: [`${name}.${part}`, `${USER}:${name}.${part}`],
  type,
  values: (user) => list(get(user, name)).flatMap((element) => list(get(element, part))),
});
const element = (name: string, type: Type): Field => ({ names: [name], type, values: (one) => list(get(one, name)) });
const ELEMENT = [
  element('value', 'string'),
  element('display', 'string'),
  element('type', 'string'),
  element('primary', 'boolean'),
];

const FIELDS: readonly Field[] = [
  plain('userName', 'string'),
  plain('displayName', 'string'),
  plain('externalId', 'exact'),
  plain('schemas', 'exact'),
  plain('active', 'boolean'),
  plain('logins', 'number'),
  plain('score', 'number'),
  sub('name', 'givenName', 'string'),
  sub('meta', 'created', 'dateTime'),
  sub('emails', 'value', 'string'),
  sub('emails', 'primary', 'boolean'),
  sub('x509Certificates', 'value', 'binary'),
  {
    ...sub('emails', 'value', 'string'),
    names: ['emails'],
    whole: (user) => list(get(user, 'emails')),
    parts: ELEMENT,
  },
  {
    names: ['department', `${ENTERPRISE}:department`],
    type: 'string',
    values: (user) => list(get(get(user, ENTERPRISE), 'department')),
  },
  {
    names: ['manager', `${ENTERPRISE}:manager`],
    type: 'exact',
    values: (user) => list(get(get(user, ENTERPRISE), 'manager')).flatMap((one) => list(get(one, 'value'))),
    whole: (user) => list(get(get(user, ENTERPRISE), 'manager')),
    parts: [element('value', 'exact')],
  },
];

const WORDS = [
  '',
  'a',
  'A',
  'ab',
  'Bo "B" \\',
  '😀',
  'ΟΔΟΣ',
  'οδος',
  'ΟΔΟΣΑ',
  'İ',
  'ß',
  'null',
  'work',
  '] and a pr',
  '\u0000\n',
  '\ud800',
  '__proto__',
];
const DATES = [
  '2026-01-31',
  '2026-01-31T00:00:00Z',
  '2026-01-31T01:00:00+01:00',
  '2025-12-31T23:59:59.999Z',
  '1969-07-20T20:17:00-05:00',
];
const POOLS: Readonly<Record<Type, readonly Json[]>> = {
  string: WORDS,
  exact: WORDS,
  boolean: [true, false],
  number: [0, 1, -1, 2.5, 1e21, 1e-7],
  dateTime: DATES,
  binary: ['QUJD', 'qujd', 'QQ=='],
};
const OPS: Readonly<Record<Type, readonly string[]>> = {
  string: ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'],
  exact: ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'],
  boolean: ['eq', 'ne'],
  number: ['eq', 'ne', 'gt', 'ge', 'lt', 'le'],
  dateTime: ['eq', 'ne', 'gt', 'ge', 'lt', 'le'],
  binary: ['eq', 'ne'],
};

export function randomSpec(random: Random, fields: readonly Field[] = FIELDS, depth = 3): Spec {
  const roll = random();
  if (depth > 0 && roll < 0.35) {
    const parts = Array.from({ length: 2 + int(random, 2) }, () => randomSpec(random, fields, depth - 1));
    return { is: roll < 0.18 ? 'and' : 'or', parts };
  }
  if (depth > 0 && roll < 0.45) return { is: 'not', part: randomSpec(random, fields, depth - 1) };
  const field = pick(random, fields);
  if (field.parts && chance(random, 0.5)) return { is: 'in', field, part: randomSpec(random, field.parts, depth) };
  if (chance(random, 0.15)) return { is: 'pr', field };
  if (chance(random, 0.1)) return { is: 'op', field, op: pick(random, ['eq', 'ne']), literal: null };
  const ops = OPS[field.type].filter((op) => !field.whole || !/^[gl]/.test(op));
  return { is: 'op', field, op: pick(random, ops), literal: pick(random, POOLS[field.type]) };
}

/** The naive evaluator: lists every value of the field and judges each on its own. */
export function expects(spec: Spec, holder: Json): boolean {
  switch (spec.is) {
    case 'and':
      return !spec.parts.some((part) => !expects(part, holder));
    case 'or':
      return spec.parts.filter((part) => expects(part, holder)).length > 0;
    case 'not':
      return !expects(spec.part, holder);
    case 'pr':
      return filled(spec.field, holder);
    case 'in':
      return (spec.field.whole ?? spec.field.values)(holder).filter((one) => expects(spec.part, one)).length > 0;
    case 'op': {
      const { field, op, literal } = spec;
      if (literal === null) return filled(field, holder) === (op === 'ne');
      return field
        .values(holder)
        .some((value) => value !== '' && judge(op, measure(field.type, value), measure(field.type, literal)));
    }
  }
}

function filled(field: Field, holder: Json): boolean {
  const solid = (value: Json): boolean =>
    typeof value === 'object' && value !== null
      ? Object.keys(value).some((key) => solid(value[key]))
      : value != null && value !== '';
  return (field.whole ?? field.values)(holder).some(solid);
}

/** A value as something that < and === understand; NaN, which equals and precedes nothing, when it is of another type. */
function measure(type: Type, value: Json): Json {
  if (type === 'number') return typeof value === 'number' ? value : Number.NaN;
  if (type === 'boolean') return typeof value === 'boolean' ? Number(value) : Number.NaN;
  if (typeof value !== 'string') return Number.NaN;
  if (type === 'dateTime') return DATES.includes(value) ? Date.parse(value) : Number.NaN;
  if (type !== 'string') return value;
  return Array.from(value, (letter) => (letter === 'ς' ? 'σ' : letter.toLowerCase())).join('');
}

function judge(op: string, value: Json, wanted: Json): boolean {
  if (Number.isNaN(value)) return false;
  const [less, same] = [value < wanted, value === wanted];
  if (op === 'eq' || op === 'ne') return same === (op === 'eq');
  if (op === 'lt' || op === 'le') return less || (same && op === 'le');
  if (op === 'gt' || op === 'ge') return (!less && !same) || (same && op === 'ge');
  const at = op === 'ew' ? value.lastIndexOf(wanted) : value.indexOf(wanted);
  if (op === 'co') return at >= 0;
  return op === 'sw' ? at === 0 : at >= 0 && at + wanted.length === value.length;
}

/** A spec as text, in one of its many spellings. */
export function write(random: Random, spec: Spec): string {
  const word = (text: string): string => Array.from(text, (c) => (chance(random, 0.3) ? c.toUpperCase() : c)).join('');
  const gap = (): string => pick(random, [' ', ' ', ' ', '  ', '\t']);
  const inside = (part: Spec): string => `(${write(random, part)})`;
  switch (spec.is) {
    case 'and':
    case 'or':
      return spec.parts
        .map((part) =>
          part.is === 'and' || part.is === 'or' || chance(random, 0.2) ? inside(part) : write(random, part),
        )
        .join(`${gap()}${word(spec.is)}${gap()}`);
    case 'not':
      return `${word('not')}${chance(random, 0.5) ? gap() : ''}${inside(spec.part)}`;
    case 'pr':
      return `${word(pick(random, spec.field.names))}${gap()}${word('pr')}`;
    case 'in':
      return `${word(pick(random, spec.field.names))}[${write(random, spec.part)}]`;
    case 'op':
      return `${word(pick(random, spec.field.names))}${gap()}${word(spec.op)}${gap()}${literal(random, spec.literal)}`;
  }
}

/** Whether it can stand without quotes: nothing in it ends a value, and it is no other kind of value. */
const isBare = (text: string): boolean =>
  /^[^\s()[\]"'\p{Cc}]+$/u.test(text) && !/^(?:true|false|null|and|or|not|[-\d].*)$/i.test(text);

function literal(random: Random, value: Json): string {
  if (typeof value === 'boolean' && chance(random, 0.5)) return pick(random, ['"', '']).replace(/(.*)/, `$1${value}$1`);
  if (typeof value === 'boolean' && chance(random, 0.3))
    return pick(random, [`${Number(value)}`, `"${Number(value)}"`]);
  if (typeof value === 'string' && chance(random, 0.3) && isBare(value)) return pick(random, [value, `'${value}'`]);
  if (typeof value !== 'string' || chance(random, 0.8)) return JSON.stringify(value);
  return `"${value
    .split('')
    .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')}"`;
}

/** A user of whom anything may be missing or of the wrong type. */
export function randomUser(random: Random): Json {
  const odd = (usual: () => Json): Json =>
    chance(random, 0.75) ? usual() : pick(random, [undefined, null, '', 5, true, [], {}, 'odd', [null, 'odd', 5]]);
  const of = (type: Type): Json => odd(() => pick(random, POOLS[type]));
  const email = (): Json =>
    odd(() => ({ value: of('string'), type: of('string'), display: of('string'), primary: of('boolean') }));
  return {
    userName: of('string'),
    displayName: of('string'),
    externalId: of('exact'),
    schemas: odd(() => [of('exact'), of('exact')]),
    active: of('boolean'),
    logins: of('number'),
    score: of('number'),
    name: odd(() => ({ givenName: of('string') })),
    meta: odd(() => ({ created: of('dateTime') })),
    emails: odd(() => [email(), email()]),
    x509Certificates: odd(() => [{ value: of('binary') }]),
    [ENTERPRISE]: odd(() => ({ department: of('string'), manager: odd(() => ({ value: of('exact') })) })),
    ['__proto__']: { displayName: 'inherited' },
  };
}

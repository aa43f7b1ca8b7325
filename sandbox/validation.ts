import { getOption, hasOption } from '@bufbuild/protobuf';
import type { DescField, DescMessage, DescOneof, Message } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { required, rules } from '@zitadel/proto/validate/validate_pb.js';
import type { FieldRules } from '@zitadel/proto/validate/validate_pb.js';
import { bare } from './errors.ts';
import { valueComplaint } from './validation-rules.ts';

/** Says what is wrong with a message, in the words of protoc-gen-validate; null: nothing. */
type Check = (message: Message) => string | null;
type Fields = Readonly<Record<string, unknown>>;

const checks = new Map<string, Check>();

/** Refuses a request that breaks the rules written in its descriptor: INVALID_ARGUMENT without ErrorDetail. */
export function validate(schema: DescMessage, message: Message): void {
  const complaint = checkOf(schema)(message);
  if (complaint) throw bare(Code.InvalidArgument, complaint);
}

function checkOf(schema: DescMessage): Check {
  const confirmed = checks.get(schema.typeName);
  if (confirmed) return confirmed;
  const members: Check[] = [];
  const check: Check = (message) => {
    for (const member of members) {
      const complaint = member(message);
      if (complaint) return complaint;
    }
    return null;
  };
  checks.set(schema.typeName, check);
  for (const field of schema.fields.filter((field) => !field.oneof)) members.push(fieldCheck(schema, field));
  for (const oneof of schema.oneofs) members.push(oneofCheck(schema, oneof));
  return check;
}

function fieldCheck(schema: DescMessage, field: DescField): Check {
  const name = goName(field.name);
  const ofField = rulesOf(field);
  const one = elementCheck(schema, field, ofField);
  if (field.fieldKind !== 'list') return (message) => one((message as unknown as Fields)[field.localName], name);
  const items = ofField?.type.case === 'repeated' ? ofField.type.value : undefined;
  return (message) => {
    const list = (message as unknown as Fields)[field.localName] as readonly unknown[];
    if (items?.unique && new Set(list).size < list.length) {
      return invalid(schema, name, 'repeated value must contain unique items');
    }
    for (const [index, value] of list.entries()) {
      const complaint = one(value, `${name}[${index}]`);
      if (complaint) return complaint;
    }
    return null;
  };
}

/** A check of one value of a field: a scalar by its rules, a message by its own check. */
function elementCheck(
  schema: DescMessage,
  field: DescField,
  ofField: FieldRules | undefined,
): (value: unknown, name: string) => string | null {
  const { message: inner } = field;
  if (inner) {
    const nested = checkOf(inner);
    return (value, name) => {
      if (value === undefined || value === null) {
        return ofField?.message?.required ? invalid(schema, name, 'value is required') : null;
      }
      const cause = nested(value as Message);
      return cause && `${invalid(schema, name, 'embedded message failed validation')} | caused by: ${cause}`;
    };
  }
  const own = ofField?.type.case === 'repeated' ? ofField.type.value.items : ofField;
  if (!own) return () => null;
  const confirmed = field.enum ? new Set(field.enum.values.map(({ number }) => number)) : undefined;
  return (value, name) => {
    if (value === undefined) return null;
    const complaint = valueComplaint(own, value, confirmed);
    return complaint && invalid(schema, name, complaint);
  };
}

function oneofCheck(schema: DescMessage, oneof: DescOneof): Check {
  const isRequired = hasOption(oneof, required) && getOption(oneof, required);
  const byCase = new Map(
    oneof.fields.map((field) => [field.localName, [goName(field.name), elementCheck(schema, field, rulesOf(field))]]),
  ) as Map<string, [string, (value: unknown, name: string) => string | null]>;
  return (message) => {
    const chosen = (message as unknown as Fields)[oneof.localName] as { case?: string; value?: unknown };
    if (chosen.case === undefined) return isRequired ? invalid(schema, goName(oneof.name), 'value is required') : null;
    const [name, check] = byCase.get(chosen.case) ?? [];
    return name && check ? check(chosen.value, name) : null;
  };
}

function rulesOf(field: DescField): FieldRules | undefined {
  return hasOption(field, rules) ? getOption(field, rules) : undefined;
}

function invalid(schema: DescMessage, field: string, reason: string): string {
  return `invalid ${goTypeName(schema)}.${field}: ${reason}`;
}

/** Outer_Inner, as protoc-gen-go names nested messages. */
function goTypeName(schema: DescMessage): string {
  return schema.parent ? `${goTypeName(schema.parent)}_${schema.name}` : schema.name;
}

/** given_name -> GivenName */
function goName(name: string): string {
  return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

import type { BytesRules, FieldRules, StringRules } from '@zitadel/proto/validate/validate_pb.js';

/** What protoc-gen-validate says of a value that breaks its rules; null: it keeps them. known: numbers of its enum. */
export function valueComplaint(of: FieldRules, value: unknown, confirmed?: ReadonlySet<number>): string | null {
  switch (of.type.case) {
    case 'string':
      return textComplaint(of.type.value, value as string);
    case 'bytes':
      return lengthComplaint(of.type.value, (value as Uint8Array).byteLength, 'bytes');
    case 'bool':
      return of.type.value.const && value !== true ? 'value must equal true' : null;
    case 'enum':
      if (of.type.value.definedOnly && confirmed && !confirmed.has(value as number)) {
        return 'value must be one of the defined enum values';
      }
      return of.type.value.notIn.includes(value as number) ? 'value must not be in list [0]' : null;
    default:
      return null;
  }
}

function textComplaint(of: StringRules, text: string): string | null {
  // code units are at least as many as runes: counting runes is only needed where they could make a difference
  const runes = text.length <= 1 || text.length <= Number(of.maxLen ?? 0) ? text.length : [...text].length;
  const complaint = lengthComplaint(of, runes, 'runes');
  if (complaint || of.wellKnown.case !== 'email') return complaint;
  return text.includes('@') ? null : "value must be a valid email address | caused by: mail: missing '@' or angle-addr";
}

function lengthComplaint(of: StringRules | BytesRules, length: number, unit: string): string | null {
  const { minLen, maxLen } = of;
  if (length >= Number(minLen ?? 0) && (maxLen === undefined || maxLen === 0n || length <= Number(maxLen))) return null;
  if (minLen && maxLen) return `value length must be between ${minLen} and ${maxLen} ${unit}, inclusive`;
  return minLen ? `value length must be at least ${minLen} ${unit}` : `value length must be at most ${maxLen} ${unit}`;
}

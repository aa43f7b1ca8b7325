/** Members as clients write them, and the requested steps on them. */
import type { GroupMember, MemberOperation } from '../../bridge/requests/use-cases.ts';
import { attributeAt, splitPath } from '../../mapping/attribute-path.ts';
import { type FilterNode, literalText } from '../../mapping/filter.ts';
import { GROUP } from '../../mapping/schema.ts';
import { kind } from '../coerce.ts';
import { isObject } from '../patch/element-laws.ts';
import { complexForm, isEmpty, listForm, simpleForm } from '../forms.ts';
import { invalid } from '../http/refusals.ts';
import { segmentsOf } from '../http/segments.ts';
import { sent } from '../sent.ts';

/** Maximum members in one request. */
export const MAX_MEMBERS = 20_000;

const MEMBERS = attributeAt('members', GROUP);
const MEMBER_VALUE = attributeAt('members.value', GROUP);

/** Longest id: ZITADEL has no longer ones, and an impossible id is not kept as an unresolved member. */
const LONGEST_ID = 200;

/**
 * The ids of members as sent: an array, one element, or the ids themselves; null, "" and [] are none.
 * Throws 400 invalidValue for an element without an id: skipping it could make a replace remove all members.
 */
export function memberIds(value: unknown): readonly string[] {
  if (isEmpty(value)) return [];
  const elements = listForm(value, 'members');
  if (elements.length > MAX_MEMBERS) throw tooMany();
  return elements.map(memberId);
}

function memberId(element: unknown): string {
  const member = complexForm(element, MEMBERS, 'members');
  if (member === '') throw missing();
  if (!isObject(member)) throw invalid('members must be objects with a value');
  const value = simpleForm(sent(member, 'value') ?? '', MEMBER_VALUE) ?? '';
  if (typeof value !== 'string') throw invalid(`members.value must be a string, not ${kind(value)}`);
  const id = value === '' ? lastSegment(sent(member, '$ref')) : value;
  if (id.trim() === '') throw missing();
  if (id.length > LONGEST_ID) throw invalid(`members.value is longer than ${LONGEST_ID} characters`);
  return id;
}

/** A URL that ends here names no user. */
const ENDPOINTS: ReadonlySet<string> = new Set(['users', 'groups']);
const missing = (): Error => invalid('members.value is missing: it is the id of a user or group');

/** The id at the end of a URL such as https://scim.example.com/scim/v2/Users/123, '' when there is none. */
function lastSegment(ref: unknown): string {
  if (ref === undefined || ref === null) return '';
  if (typeof ref !== 'string') throw invalid(`members.$ref must be a string, not a ${typeof ref}`);
  const segments = segmentsOf(ref);
  if (typeof segments === 'string')
    throw invalid(`members.$ref is not a URL, it ${segments}, and members.value is missing`);
  const last = segments.at(-1) ?? '';
  return ENDPOINTS.has(last.toLowerCase()) ? '' : last;
}

/** The ids of a filter for ids only: `value eq "a"`, or several joined by `or`; undefined: it is another filter. */
export function idsOfFilter(filter: FilterNode): readonly string[] | undefined {
  if (filter.kind === 'or') {
    const each = filter.nodes.map(idsOfFilter);
    return each.every((ids) => ids !== undefined) ? each.flat() : undefined;
  }
  if (filter.kind !== 'compare' || filter.op !== 'eq') return undefined;
  const id = literalText(filter);
  return id !== undefined && splitPath(filter.path)?.name.toLowerCase() === 'value' ? [id] : undefined;
}

export interface MemberSteps {
  add(ids: readonly string[]): void;
  remove(ids: readonly string[]): void;
  removeWhere(match: (member: GroupMember) => boolean): void;
  replace(ids: readonly string[]): void;
  /** in the order of the calls, each id once per step */
  steps(): readonly MemberOperation[];
}

type Draft =
  | { readonly kind: 'add' | 'remove' | 'replace'; readonly ids: Set<string> }
  | Extract<MemberOperation, { readonly kind: 'removeWhere' }>;

/** Collects steps: a thousand operations with one member each become one step. All of them throw 400 for too many members. */
export function createMemberSteps(): MemberSteps {
  let drafts: Draft[] = [];
  let count = 0;

  function take(kind: 'add' | 'remove' | 'replace', ids: readonly string[]): void {
    count += ids.length;
    if (count > MAX_MEMBERS) throw tooMany();
    const last = drafts.at(-1);
    if (kind === 'replace') drafts = [{ kind, ids: new Set(ids) }];
    else if (last && 'ids' in last && (last.kind === kind || (last.kind === 'replace' && kind === 'add')))
      for (const id of ids) last.ids.add(id);
    else if (ids.length > 0) drafts.push({ kind, ids: new Set(ids) });
  }

  return {
    add: (ids) => take('add', ids),
    remove: (ids) => take('remove', ids),
    removeWhere: (match) => void drafts.push({ kind: 'removeWhere', match }),
    replace: (ids) => take('replace', ids),
    steps: () => drafts.map((draft) => ('ids' in draft ? { kind: draft.kind, ids: [...draft.ids] } : draft)),
  };
}

const tooMany = (): Error => invalid(`members: more than ${MAX_MEMBERS} in one request, send them in several requests`);

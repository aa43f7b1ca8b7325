/**
 * PATCH of a group (RFC 7644 §3.5.2), parsed into changes: a name, an external id, steps on the members. The group is
 * not read, so that the cost of a PATCH does not depend on the group's size.
 */
import { BridgeError } from '../../errors.ts';
import type { GroupEdit, GroupMember } from '../../bridge/requests/use-cases.ts';
import { sameUrn } from '../../mapping/attribute-path.ts';
import { equalities, type FilterNode } from '../../mapping/filter.ts';
import type { Json } from '../http/body.ts';
import { emptyRemoval, pathsInKeys, type Operation } from '../client-shapes.ts';
import { object } from '../coerce.ts';
import { isObject } from '../patch/element-laws.ts';
import { isEmpty, objectForm } from '../forms.ts';
import { GROUP_SHAPE, groupExternalId, groupName } from './group-body.ts';
import { createMemberSteps, idsOfFilter, MAX_MEMBERS, memberIds, type MemberSteps } from './group-members.ts';
import { renderMember } from './group-resource.ts';
import type { Ignore } from '../http/ignored.ts';
import { operationsOf } from '../patch/operations.ts';
import { nameIn, parsePatchPath, type PatchTarget } from '../patch/path.ts';
import { invalid, invalidSyntax } from '../http/refusals.ts';
import { sent } from '../sent.ts';

/** Maximum characters of filters on more than ids: each is applied to each member. */
const MAX_FILTERS = 10_000;

/** Shapes that occur a thousand times in a request (Okta, Entra ID) skip the parser, which takes ten times as long. */
const ONE_MEMBER = /^members\[value eq "([^"\\]+)"\]$/;

/** The group in question: the id in its URL, and the base URL of `$ref`. */
interface Of {
  readonly id: string;
  readonly base: string;
  readonly ignore?: Ignore;
}

interface Compiled extends Of {
  displayName?: string;
  externalId?: string | null;
  readonly members: MemberSteps;
  /** characters of filters so far */
  filters: number;
}

type Change = Pick<GroupEdit, 'displayName' | 'externalId' | 'members'>;

/** A path that begins with `members`. */
interface Members {
  readonly path: string;
  /** followed by `.value` */
  readonly isValue: boolean;
  readonly elements: Extract<PatchTarget, { readonly kind: 'attribute' }>['elements'];
}

/** Reads the body of a PATCH. Throws 400 invalidSyntax, invalidPath, invalidValue, invalidFilter, mutability or noTarget. */
export function readGroupPatch(body: Json, of: Of): Change {
  const out: Compiled = { ...of, members: createMemberSteps(), filters: 0 };
  for (const operation of operationsOf(body, MAX_MEMBERS))
    for (const each of pathsInKeys(operation, GROUP_SHAPE)) compile(each, out);
  const { displayName, externalId, members } = out;
  return {
    ...(displayName !== undefined && { displayName }),
    ...(externalId !== undefined && { externalId }),
    members: members.steps(),
  };
}

function compile({ op, path, value }: Operation, out: Compiled): void {
  if (path === undefined) {
    if (op === 'remove') throw new BridgeError(400, 'remove needs a path', { scimType: 'noTarget' });
    attributes(op, object(objectForm(value, 'value'), 'value'), out);
    return;
  }
  const alone = op === 'remove' ? ONE_MEMBER.exec(path)?.[1] : undefined;
  if (alone !== undefined) {
    out.members.remove([alone]);
    return;
  }
  const target = parsePatchPath(path, GROUP_SHAPE.schema);
  if (target?.kind !== 'attribute') {
    out.ignore?.(nameIn(path));
    return;
  }
  const { attribute, sub } = target.path;
  if (attribute.name === 'members') {
    // the bridge computes a member's other attributes
    if (sub === undefined || sub.name === 'value')
      membersAt(op, value, { path, isValue: sub !== undefined, elements: target.elements }, out);
  } else if (attribute.name === 'id' && op !== 'remove') checkId(value, out);
  else if (attribute.mutability === 'readOnly')
    throw new BridgeError(400, `${attribute.name} is read-only`, { scimType: 'mutability' });
  else single(op, attribute.name, value, out);
}

/** An operation without path. Read-only attributes are ignored, except another group's id. */
function attributes(op: string, value: Json, out: Compiled): void {
  for (const [key, each] of Object.entries(value)) {
    const name = GROUP_SHAPE.core.get(key.toLowerCase())?.name ?? key.toLowerCase();
    if (name === 'id') checkId(each, out);
    // null is not a request here: a client that renames a group sends it for members it did not read
    else if (name === 'members' && each !== null) wholeMembers(op, each, out);
    else if (name === 'displayName' || name === 'externalId') single(op, name, each, out);
    else if (sameUrn(GROUP_SHAPE.schema.core.id, key)) attributes(op, object(objectForm(each, key), key), out);
    else if (!GROUP_SHAPE.core.has(key.toLowerCase())) out.ignore?.(key);
  }
}

/** Okta names the group by its id in the value; another id is a mix-up that must not rename the wrong group. */
function checkId(value: unknown, { id }: Compiled): void {
  if (value === null || value === '' || value === id) return;
  if (typeof value !== 'string') throw invalid(`id must be a string, not a ${typeof value}`);
  throw new BridgeError(
    400,
    'id is not the id of the group in the URL, and an id cannot be changed: send the id of the group that is meant, or leave it out',
    { scimType: 'mutability' },
  );
}

function single(op: string, name: string, value: unknown, out: Compiled): void {
  if (name !== 'externalId' && name !== 'displayName') throw new Error(`${name} of a group is not read`);
  if (name === 'externalId') out.externalId = op === 'remove' ? null : groupExternalId(value);
  else if (op === 'remove')
    throw new BridgeError(400, 'displayName is required and must not be removed', { scimType: 'mutability' });
  else out.displayName = groupName(value);
}

/** Without a filter: all members, or those of the value. */
function wholeMembers(op: string, value: unknown, { members }: Compiled): void {
  if (op === 'add') members.add(memberIds(value));
  else if (op === 'replace') members.replace(memberIds(value));
  // by RFC 7644 §3.5.2.2 a remove has no value; if there is one, it names the members Entra ID removes, possibly none
  else if (value === undefined) members.replace([]);
  else if (value === null) throw emptyRemoval('members');
  else members.remove(memberIds(value === '' ? [value] : value));
}

/** `members`, `members[...]`, and the same followed by `.value`. */
function membersAt(op: string, value: unknown, { path, isValue, elements }: Members, out: Compiled): void {
  if (elements === undefined) {
    wholeMembers(op, value, out);
    return;
  }
  const { filter, match } = elements;
  if (op !== 'remove' && isValue)
    throw new BridgeError(400, 'members.value cannot be changed: remove the member and add the other one', {
      scimType: 'mutability',
    });
  const added = op === 'remove' ? [] : addedIds(value, filter);
  if (op !== 'add') {
    const ids = idsOfFilter(filter);
    if (ids === undefined) removeWhere(path, match, out);
    else out.members.remove(ids.filter((id) => !added.includes(id)));
  }
  out.members.add(added);
}

/** A filter on more than ids is applied to the current members. */
function removeWhere(path: string, match: (element: unknown) => boolean, out: Compiled): void {
  out.filters += path.length;
  if (out.filters > MAX_FILTERS)
    throw invalidSyntax(`members: the filters are longer than ${MAX_FILTERS} characters together`);
  out.members.removeWhere((member: GroupMember) => match(renderMember(member, out.base)));
}

/** Members that `add members[value eq "a"]` adds: those in the value, else in the filter (missing ones are created). */
function addedIds(value: unknown, filter: FilterNode): readonly string[] {
  if (isEmpty(value)) return [];
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value];
  const names = (element: unknown): boolean =>
    !isObject(element) || !isEmpty(sent(element, 'value')) || !isEmpty(sent(element, '$ref'));
  if (elements.some(names)) return memberIds(elements);
  const { value: id } = equalities(filter).find((each) => each.path.toLowerCase() === 'value') ?? {};
  return memberIds([{ value: id }]);
}

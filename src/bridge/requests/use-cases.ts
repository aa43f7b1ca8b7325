/** The bridge's use cases for the SCIM layer. */
import type { FilterNode } from '../../mapping/filter.ts';
import type { ScimUser } from '../../mapping/users.ts';
import type { Context } from '../ports/context.ts';

export type { ScimUser };

export interface UserResource {
  readonly id: string;
  readonly user: ScimUser;
  /** weak, e.g. W/"1f2a": hash of the rendered facts without groups, $ref and meta */
  readonly etag: string;
  /** milliseconds */
  readonly created: number;
  readonly modified: number;
  /** groups the user is a direct member of; absent: not requested */
  readonly groups?: readonly GroupRef[];
}

/** A group as shown in a user's `groups`. */
export interface GroupRef {
  readonly id: string;
  readonly displayName: string;
}

/** A PUT or PATCH on the current user. Called again with the new base if the row was written meanwhile. */
export interface Edit {
  readonly method: 'PUT' | 'PATCH';
  /**
   * Pure. Throws BridgeError 400. `touched`: SCIM paths that a PATCH names (attribute or attribute.sub, extension ones
   * as URN:attribute); for PUT at most `active`: the bridge always treats the state of a PUT as named.
   */
  apply(base: ScimUser): { readonly user: ScimUser; readonly touched: readonly string[] };
  /** used when `apply` throws: whether the request sets active=false, which is carried out even if the rest is not */
  readonly leaves?: () => boolean;
  /** clear password sent by the client */
  readonly password?: string;
  /** ETags of If-Match; `*` matches any resource that exists */
  readonly ifMatch?: readonly string[];
}

/** A page of a list. */
export interface Listed<Resource> {
  readonly total: number;
  /** in order, each read on demand */
  readonly resources: AsyncIterable<Resource> | Iterable<Resource>;
}

export interface ListQuery {
  readonly filter?: FilterNode;
  readonly sortBy?: string;
  readonly sortOrder?: 'ascending' | 'descending';
  /** 1-based */
  readonly startIndex: number;
  /** at most 1,000; 0 asks for the total only */
  readonly count: number;
  /** the URL of a resource, for filters on meta.location */
  readonly location?: (id: string) => string;
  /** for groups: members are loaded if they are shown */
  readonly members?: boolean;
}

/** The parts of a group that the response shows: other members are not loaded. */
export interface Shown {
  readonly members: boolean;
}

/** A created resource. Call `ended` when the connection has ended: true if the response was sent completely. */
export interface Created<Resource> {
  readonly resource: Resource;
  readonly ended: (delivered: boolean) => void;
}

/** Resources of one type of one tenant. All failures are BridgeError. */
export interface ResourceHandler<Resource, Input, Change> {
  create(ctx: Context, input: Input): Promise<Created<Resource>>;
  get(ctx: Context, id: string, shown?: Shown): Promise<Resource>;
  list(ctx: Context, query: ListQuery): Promise<Listed<Resource>>;
  /** PUT and PATCH. */
  edit(ctx: Context, id: string, change: Change, shown?: Shown): Promise<Resource>;
  /** `ifMatch`: ETags of If-Match; `*` matches any resource that exists. */
  remove(ctx: Context, id: string, ifMatch?: readonly string[]): Promise<void>;
}

export interface UserInput {
  readonly user: ScimUser;
  readonly password?: string;
  /** hash of the coerced request without its password, to recognise a repeat */
  readonly hash: string;
}

export type Users = ResourceHandler<UserResource, UserInput, Edit>;

/** A member as it is shown: a user, or a group. */
export interface GroupMember {
  readonly id: string;
  readonly display: string | null;
  readonly type: 'User' | 'Group';
}

export interface GroupResource {
  readonly id: string;
  readonly displayName: string;
  readonly externalId?: string;
  /** absent: not requested, and not loaded */
  readonly members?: readonly GroupMember[];
  /** the number of members, loaded or not */
  readonly memberCount: number;
  /** weak, e.g. W/"20aLkjyOm-.1790000000000": hash of the definition, and revision of the set of members */
  readonly etag: string;
  /** milliseconds */
  readonly created: number;
  readonly modified: number;
}

/** One operation on a group's members, in the client's order. */
export type MemberOperation =
  | { readonly kind: 'add'; readonly ids: readonly string[] }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  /** matching members, e.g. `members[display eq "Ann"]`; a filter that only names ids is written as `remove` */
  | { readonly kind: 'removeWhere'; readonly match: (member: GroupMember) => boolean }
  /** exactly these members; empty: none */
  | { readonly kind: 'replace'; readonly ids: readonly string[] };

/** A PUT or PATCH of a group. Absent values stay as they are. */
export interface GroupEdit {
  readonly displayName?: string;
  /** null: removes it */
  readonly externalId?: string | null;
  readonly members: readonly MemberOperation[];
  /** ETags of If-Match; `*` matches any group that exists */
  readonly ifMatch?: readonly string[];
}

export interface GroupInput {
  readonly displayName: string;
  readonly externalId?: string;
  readonly members: readonly string[];
  /** hash of the coerced request, to recognise a repeat */
  readonly hash: string;
}

export type Groups = ResourceHandler<GroupResource, GroupInput, GroupEdit>;

/** One tenant as the SCIM layer sees it: how to recognise its tokens, and its options. */
export interface Tenant {
  readonly id: string;
  readonly organization: string;
  readonly users: Users;
  readonly groups: Groups;
  /** what a PATCH of a group answers: 200 with the group, or 204 (Microsoft asks for it) */
  readonly groupPatchAnswer?: 'resource' | 'empty';
  /** whether a first sync has finished: requests can be served */
  ready(): boolean;
  /** media type of responses, if the tenant sets its own */
  readonly mediaType?: string;
}

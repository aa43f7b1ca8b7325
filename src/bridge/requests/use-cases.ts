/** What the protocol room asks of the bridge. */
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
  /** groups the user is a direct member of; absent: it was not asked for */
  readonly groups?: readonly GroupRef[];
}

/** A group as the `groups` of a user show it. */
export interface GroupRef {
  readonly id: string;
  readonly displayName: string;
}

/** What a PUT or PATCH makes of the user as it is. Called again from the new base when somebody else wrote meanwhile. */
export interface Edit {
  readonly method: 'PUT' | 'PATCH';
  /** Pure. Throws BridgeError 400. `touched`: SCIM paths that a PATCH names (attribute or attribute.sub, extension ones as URN:attribute); for PUT at most `active`: whatever it sends, the bridge takes the state as named. */
  apply(base: ScimUser): { readonly user: ScimUser; readonly touched: readonly string[] };
  /** asked when `apply` throws: whether the request asks for active=false, which is carried out whatever else in it is refused */
  readonly leaves?: () => boolean;
  /** clear password sent by the client */
  readonly password?: string;
  /** ETags of If-Match; `*` matches any resource that exists */
  readonly ifMatch?: readonly string[];
}

/** A page of a list. */
export interface Listed<Resource> {
  readonly total: number;
  /** in order, each read when it is asked for: whoever has enough asks for no more */
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
  /** of groups: members are loaded for what is shown */
  readonly members?: boolean;
}

/** What the answer shows of a group: members that it does not show are not loaded. */
export interface Shown {
  readonly members: boolean;
}

/** A resource that was made. `ended` is to be called when the connection has: with true when the answer had left whole. */
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
  /** of the coerced request without its password, to know a repeat by */
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
  /** absent: they were not asked for, and not loaded */
  readonly members?: readonly GroupMember[];
  /** how many there are, whether they were loaded or not */
  readonly memberCount: number;
  /** weak, e.g. W/"20aLkjyOm-.1790000000000": hash of the definition, which is small, and revision of the set of members */
  readonly etag: string;
  /** milliseconds */
  readonly created: number;
  readonly modified: number;
}

/** One step on the members of a group, in the order in which the client wrote them. */
export type MemberOperation =
  | { readonly kind: 'add'; readonly ids: readonly string[] }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  /** those that match, e.g. `members[display eq "Ann"]`; a filter that only names ids is written as `remove` */
  | { readonly kind: 'removeWhere'; readonly match: (member: GroupMember) => boolean }
  /** these and no others; empty: none */
  | { readonly kind: 'replace'; readonly ids: readonly string[] };

/** A PUT or PATCH of a group. What is absent stays as it is. */
export interface GroupEdit {
  readonly displayName?: string;
  /** null: it has none from now on */
  readonly externalId?: string | null;
  readonly members: readonly MemberOperation[];
  /** ETags of If-Match; `*` matches any group that exists */
  readonly ifMatch?: readonly string[];
}

export interface GroupInput {
  readonly displayName: string;
  readonly externalId?: string;
  readonly members: readonly string[];
  /** of the coerced request, to know a repeat by */
  readonly hash: string;
}

export type Groups = ResourceHandler<GroupResource, GroupInput, GroupEdit>;

/** One tenant as the protocol room sees it: how its tokens are told and what it may ask. */
export interface Tenant {
  readonly id: string;
  readonly organization: string;
  readonly users: Users;
  readonly groups: Groups;
  /** what a PATCH of a group answers: 200 with the group, or 204 (Microsoft asks for it) */
  readonly groupPatchAnswer?: 'resource' | 'empty';
  /** a first sync was ever finished: requests can be served */
  ready(): boolean;
  /** media type of answers, when the tenant asks for one of its own */
  readonly mediaType?: string;
}

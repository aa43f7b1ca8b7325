/** The sandbox's data. All times are microseconds since 1970; absent text is ''. */
export type UserState = 'active' | 'inactive' | 'locked' | 'initial';

export interface Human {
  readonly givenName: string;
  readonly familyName: string;
  readonly nickName: string;
  readonly displayName: string;
  /** BCP 47, or 'und'. */
  readonly language: string;
  /** zitadel.user.v2.Gender. */
  readonly gender: number;
  readonly email: string;
  readonly emailVerified: boolean;
  /** E.164, or ''. */
  readonly phone: string;
  readonly phoneVerified: boolean;
}

export interface Machine {
  readonly name: string;
  readonly description: string;
}

export interface Password {
  /** 'hash': as it was given; 'clear': SHA-256 of the clear text, so that none lies on disk. */
  readonly kind: 'hash' | 'clear';
  readonly value: string;
  readonly changeRequired: boolean;
  readonly changed: number;
}

export interface User {
  readonly id: string;
  readonly organization: string;
  readonly state: UserState;
  readonly username: string;
  /** Sequence of the last event of the user itself; metadata events do not move it. */
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
  readonly human?: Human;
  readonly machine?: Machine;
  readonly password?: Password;
  readonly invited?: boolean;
}

export interface MetadataRow {
  /** base64 */
  readonly value: string;
  readonly created: number;
  readonly changed: number;
}

export interface IdpLink {
  readonly idp: string;
  readonly externalId: string;
  readonly name: string;
}

/** One member entry: organization '' is the instance. */
export interface Member {
  readonly organization: string;
  readonly userId: string;
  readonly roles: readonly string[];
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
}

export interface Grant {
  readonly id: string;
  readonly organization: string;
  readonly userId: string;
  readonly project: string;
  readonly roles: readonly string[];
  readonly active: boolean;
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
}

export interface Session {
  readonly id: string;
  readonly userId: string;
  /** Of the user. */
  readonly organization: string;
  readonly passwordChecked: boolean;
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
}

export interface ProjectRole {
  readonly key: string;
  readonly displayName: string;
  readonly group: string;
  readonly created: number;
}

export interface Project {
  readonly id: string;
  readonly organization: string;
  readonly name: string;
  readonly roles: readonly ProjectRole[];
  readonly created: number;
  readonly changed: number;
}

export interface PasswordRules {
  readonly minLength: number;
  readonly upper: boolean;
  readonly lower: boolean;
  readonly number: boolean;
  readonly symbol: boolean;
}

export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly state: 'active' | 'inactive' | 'removed';
  readonly domains: readonly string[];
  /** Absent: the rules of the instance. */
  readonly passwordRules?: PasswordRules;
  /** Login name is username@domain, and usernames are unique within the organization only. */
  readonly loginNameIncludesDomain?: boolean;
  readonly created: number;
  readonly changed: number;
}

export interface Idp {
  readonly id: string;
  readonly name: string;
}

export interface Token {
  readonly token: string;
  /** Of a personal access token; absent: it was given out by the token endpoint. */
  readonly id?: string;
  readonly created?: number;
  readonly userId: string;
  readonly revoked: boolean;
  /** Microseconds; absent: never. */
  readonly expires?: number;
}

import type { FactsChange } from './facts.ts';

/** The ZITADEL calls that a plan is made of, by their method names. */
export type StepCall =
  | 'CreateUser'
  | 'UpdateUser'
  | 'UpdateHumanUser'
  | 'SetUserMetadata'
  | 'DeleteUserMetadata'
  | 'DeactivateUser'
  | 'ReactivateUser'
  | 'LockUser'
  | 'UnlockUser'
  | 'DeleteUser'
  | RightCall;

/** Calls that change rights. Update and Delete replace the current rights, so they run right after reading them. */
export type RightCall =
  | 'CreateAdministrator'
  | 'UpdateAdministrator'
  | 'DeleteAdministrator'
  | 'CreateAuthorization'
  | 'UpdateAuthorization'
  | 'DeleteAuthorization';

/** What a call that changes rights carries. */
export interface RightSet {
  /** absent: the roles in the organization */
  readonly project?: string;
  /** id of the authorization, for UpdateAuthorization and DeleteAuthorization */
  readonly authorization?: string;
  /** all roles of the entry after the call; empty for Delete */
  readonly roles: readonly string[];
  /** roles of the project that are created if it lacks them */
  readonly creates?: readonly string[];
}

/** One call that brings ZITADEL closer to what is wanted. */
export interface Step {
  readonly call: StepCall;
  /**
   * What the call carries: CreateUser all facts of the new user; UpdateUser and SetUserMetadata the facts to set
   * (UpdateUser: phone null removes the phone); UpdateHumanUser givenName, familyName and the names to clear as null;
   * DeleteUserMetadata the keys as null; the others nothing.
   */
  readonly set: FactsChange;
  /** the payload of a RightCall; `set` is empty then */
  readonly right?: RightSet;
  /** facts that this step settles, or that fail with it when it is refused */
  readonly names: readonly string[];
  /** what is known once it is done; null: the user is gone */
  readonly after: FactsChange | null;
}

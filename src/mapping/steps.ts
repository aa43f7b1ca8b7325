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
  | 'DeleteUser';

/** One call that brings ZITADEL nearer to what is wanted. */
export interface Step {
  readonly call: StepCall;
  /**
   * What the call carries: CreateUser all facts of the new user; UpdateUser and SetUserMetadata the facts to set
   * (UpdateUser: phone null takes the phone away); UpdateHumanUser givenName, familyName and the names to clear as null;
   * DeleteUserMetadata the keys as null; the others nothing.
   */
  readonly set: FactsChange;
  /** facts that this step settles, or takes with it when it is refused */
  readonly names: readonly string[];
  /** what is known once it is done; null: the user is gone */
  readonly after: FactsChange | null;
}

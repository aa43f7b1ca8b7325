/** The permissions the service user needs in its organization. ORG_USER_MANAGER has all of them. */

interface Needed {
  readonly permission: string;
  /** the calls that need it */
  readonly for: string;
  /** only when passwords are set */
  readonly passwords?: true;
}

// biome-ignore format: one row is one fact
export const NEEDED: readonly Needed[] = [
  { permission: 'org.read', for: 'GetMyOrg' },
  { permission: 'user.read', for: 'GetUserByID, ListUsers, ListUserMetadata' },
  { permission: 'user.write', for: 'CreateUser, UpdateUser, SetUserMetadata, DeactivateUser, LockUser' },
  { permission: 'user.delete', for: 'DeleteUser' },
  { permission: 'policy.read', for: 'GetPasswordComplexitySettings', passwords: true },
];

/** Rows for which the token lacks a permission. */
export function missing(held: readonly string[], passwords: boolean): readonly Needed[] {
  return NEEDED.filter((row) => (passwords || !row.passwords) && !held.includes(row.permission));
}

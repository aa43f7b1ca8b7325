/** Roles in the organization that can change something there: a rule grants them only if it says so explicitly. */

const HARMLESS = 'ORG_OWNER_VIEWER';

export const isPrivileged = (orgRole: string): boolean => orgRole !== HARMLESS;

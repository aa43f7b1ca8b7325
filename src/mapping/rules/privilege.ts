/** Which roles in the organization can change something there: a rule gives them only when it says so. */

const HARMLESS = 'ORG_OWNER_VIEWER';

export const isPrivileged = (orgRole: string): boolean => orgRole !== HARMLESS;

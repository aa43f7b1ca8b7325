import type { Key } from './types.ts';

/** No id of a tenant has a colon. */
const GROUPS = ':groups';

/** The name that the rows of a tenant's groups are kept under. */
export const groupsOf = (tenant: string): string => tenant + GROUPS;

export const isGroupRow = ({ tenant }: Pick<Key, 'tenant'>): boolean => tenant.endsWith(GROUPS);

/** The tenant whose row it is, user or group. */
export const tenantOf = ({ tenant }: Pick<Key, 'tenant'>): string =>
  tenant.endsWith(GROUPS) ? tenant.slice(0, -GROUPS.length) : tenant;

import type { Key } from './types.ts';

/** No tenant id contains a colon. */
const GROUPS = ':groups';

/** The key under which a tenant's group rows are stored. */
export const groupsOf = (tenant: string): string => tenant + GROUPS;

export const isGroupRow = ({ tenant }: Pick<Key, 'tenant'>): boolean => tenant.endsWith(GROUPS);

/** The tenant that a row belongs to, user or group. */
export const tenantOf = ({ tenant }: Pick<Key, 'tenant'>): string =>
  tenant.endsWith(GROUPS) ? tenant.slice(0, -GROUPS.length) : tenant;

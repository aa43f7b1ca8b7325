import type { Key } from '../../bridge/row/types.ts';

/** A closing brace would end the tag, and an empty tag is none. */
const tag = (name: string): string =>
  name === '' ? '%' : name.toWellFormed().replaceAll(/[%{}]/g, (sign) => `%${sign.codePointAt(0)?.toString(16)}`);

/** Hash: id -> row text (row-text.ts). The scripts keep further keys, with `rows` replaced (write-script.ts). */
export const rowsKey = (tenant: string): string => `scim:{${tag(tenant)}}:rows`;

export const besideRows = (
  tenant: string,
  what: 'due' | 'since' | 'sets' | 'tokens' | 'changes' | 'mark' | 'aside',
): string => `scim:{${tag(tenant)}}:${what}`;

/** The channel that announces writes of a tenant: channels are shared by all databases of a Redis. */
export const changesChannel = (tenant: string, db: number): string => `${besideRows(tenant, 'changes')}:${db}`;

export const leaseKey = ({ tenant, id }: Key): string => `scim:{${tag(tenant)}}:lease:${id}`;

/** Hash: reserved name -> owner (name-scripts.ts). All tenants share it, so it has its own tag. */
export const namesKey = (instance: string): string => `scim:{${tag(instance)}}:names`;

/** Hash: name -> JSON. */
export const STATE = 'scim:{state}:values';

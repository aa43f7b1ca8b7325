import type { Key } from '../../bridge/row/types.ts';

/** A brace ends the tag; what is empty is no tag. */
const tag = (name: string): string =>
  name === '' ? '%' : name.toWellFormed().replaceAll(/[%{}]/g, (sign) => `%${sign.codePointAt(0)?.toString(16)}`);

/** Hash: id -> row text (row-text.ts). Beside it, with `rows` replaced, stands what the scripts keep (write-script.ts). */
export const rowsKey = (tenant: string): string => `scim:{${tag(tenant)}}:rows`;

export const besideRows = (
  tenant: string,
  what: 'due' | 'since' | 'sets' | 'tokens' | 'changes' | 'mark' | 'aside',
): string => `scim:{${tag(tenant)}}:${what}`;

/** Where the writes of a tenant are told: channels are the same in all databases of a Redis. */
export const changesChannel = (tenant: string, db: number): string => `${besideRows(tenant, 'changes')}:${db}`;

export const leaseKey = ({ tenant, id }: Key): string => `scim:{${tag(tenant)}}:lease:${id}`;

/** Hash: reserved name -> owner (name-scripts.ts). Tenants share it: it has a tag of its own. */
export const namesKey = (instance: string): string => `scim:{${tag(instance)}}:names`;

/** Hash: name -> JSON. */
export const STATE = 'scim:{state}:values';

import type { Clock } from '../../bridge/ports/context.ts';
import type { Key } from '../../bridge/row/types.ts';
import type { Lease } from '../../bridge/ports/store.ts';
import { pairText } from './pending.ts';

export interface Leases {
  isHeld(key: Key): boolean;
  take(key: Key, ms: number): Lease | undefined;
  owns(lease: Lease): boolean;
  /** Whether it is still valid; if so, it is extended by `ms`. */
  renew(lease: Lease, ms: number): boolean;
  release(lease: Lease): void;
}

export function createLeases(clock: Clock): Leases {
  const held = new Map<string, { readonly token: number; readonly until: number }>();
  let tokens = 0;
  const place = ({ tenant, id }: Key): string => pairText(tenant, id);

  /** The current owner's token. */
  function holder(key: Key): number | undefined {
    const found = held.get(place(key));
    return found === undefined || found.until <= clock() ? undefined : found.token;
  }

  return {
    isHeld: (key) => holder(key) !== undefined,
    owns: ({ key, token }) => holder(key) === token,
    take(key, ms) {
      if (holder(key) !== undefined) return undefined;
      const token = ++tokens;
      held.set(place(key), { token, until: clock() + ms });
      return { key, token };
    },
    renew({ key, token }, ms) {
      if (holder(key) !== token) return false;
      held.set(place(key), { token, until: clock() + ms });
      return true;
    },
    release({ key, token }) {
      if (held.get(place(key))?.token === token) held.delete(place(key));
    },
  };
}

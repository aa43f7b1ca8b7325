/** Leases in memory: the folder lock makes this process the only one, and its end voids them all. */
import type { Clock, Key, Lease } from '../../bridge/ports.ts';
import { pairText } from './pending.ts';

export interface Leases {
  take(key: Key, ms: number): Lease | undefined;
  /** Whether it is still held; then it is for `ms` more. */
  renew(lease: Lease, ms: number): boolean;
  release(lease: Lease): void;
}

export function createLeases(clock: Clock): Leases {
  const held = new Map<string, { readonly token: number; readonly until: number }>();
  let tokens = 0;
  const place = ({ tenant, id }: Key): string => pairText(tenant, id);

  return {
    take(key, ms) {
      const now = clock();
      const holder = held.get(place(key));
      if (holder !== undefined && holder.until > now) return undefined;
      const token = ++tokens;
      held.set(place(key), { token, until: now + ms });
      return { key, token };
    },
    renew({ key, token }, ms) {
      const now = clock();
      const holder = held.get(place(key));
      if (holder === undefined || holder.token !== token || holder.until <= now) return false;
      held.set(place(key), { token, until: now + ms });
      return true;
    },
    release({ key, token }) {
      if (held.get(place(key))?.token === token) held.delete(place(key));
    },
  };
}

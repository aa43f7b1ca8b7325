/** Unique names across all tenants of a ZITADEL: reserved before the row is written, freed after (name-scripts.ts). */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Key } from '../../bridge/row/types.ts';
import type { Client } from './client.ts';
import { namesKey, rowsKey } from './keys.ts';
import { FREE, HOLDS, RESERVE } from './name-scripts.ts';

export type Reservation =
  /** tokens to write the row with */
  | { readonly kind: 'reserved'; readonly tokens: readonly string[] }
  | { readonly kind: 'taken'; readonly name: string; readonly holder: Key };

export interface Names {
  /** Reserves all of them or none. Tokens in `void` are not reused. */
  reserve(owner: Key, instance: string, names: readonly string[], voided: readonly string[]): Promise<Reservation>;
  /** Frees those that the row of this owner does not have. */
  free(owner: Key, instance: string, names: readonly string[]): Promise<void>;
  /** The owner of the row that has it. */
  holder(instance: string, name: string): Promise<Key | undefined>;
}

type Reserved = readonly ['ok', ...string[]] | readonly ['taken', string, string, string, number];

/** `patience`: how long a reservation whose row is not written yet is respected, ms. */
export function createNames(client: Client, patience: number): Names {
  /** Whether the row of `owner` has the name; if not, nothing can be written with this token any more. */
  const holds = async (owner: string, instance: string, name: string, token: string): Promise<boolean> => {
    const { tenant, id } = keyOf(owner);
    return (await client.run<number>(HOLDS, [rowsKey(tenant)], [id, instance, name, token])) === 1;
  };

  async function freeOne(owner: string, instance: string, name: string, token: string): Promise<boolean> {
    if (await holds(owner, instance, name, token)) return false;
    await client.run(FREE, [namesKey(instance)], [name, owner, token]);
    return true;
  }

  const entryOf = async (instance: string, name: string): Promise<readonly string[]> => {
    const entry = await client.ask((redis) => redis.hget(namesKey(instance), name));
    return entry?.split('\n') ?? [];
  };

  return {
    async reserve(key, instance, names, voided) {
      const owner = textOf(key);
      const args = [owner, randomBytes(6).toString('base64url'), JSON.stringify(names), JSON.stringify(voided)];
      for (let wait = 1; ; wait = Math.min(2 * wait, 20)) {
        const answer = await client.run<Reserved>(RESERVE, [namesKey(instance)], args);
        if (answer[0] === 'ok') {
          const [, ...tokens] = answer;
          return { kind: 'reserved', tokens: [...new Set(tokens)] };
        }
        const [, name, other, token, age] = answer;
        const young = age < patience;
        const taken = young ? await holds(other, instance, name, '') : !(await freeOne(other, instance, name, token));
        if (taken) return { kind: 'taken', name, holder: keyOf(other) };
        // its row is being written right now, or its process has died
        if (young) await sleep(wait);
      }
    },
    async free(key, instance, names) {
      const own = textOf(key);
      await Promise.all(
        names.map(async (name) => {
          const [owner, token] = await entryOf(instance, name);
          if (owner === own && token !== undefined) await freeOne(owner, instance, name, token);
        }),
      );
    },
    async holder(instance, name) {
      const [owner] = await entryOf(instance, name);
      return owner !== undefined && (await holds(owner, instance, name, '')) ? keyOf(owner) : undefined;
    },
  };
}

const textOf = ({ tenant, id }: Key): string => JSON.stringify([tenant.toWellFormed(), id.toWellFormed()]);

function keyOf(owner: string): Key {
  const [tenant = '', id = ''] = JSON.parse(owner) as string[];
  return { tenant, id };
}

import type { Clock } from '../../bridge/ports/context.ts';
import type { Key } from '../../bridge/row/types.ts';
import type { Write, WriteOptions, WriteResult } from '../../bridge/ports/store.ts';
import { unavailable } from '../unavailable.ts';
import type { Client } from './client.ts';
import { besideRows, leaseKey, rowsKey } from './keys.ts';
import { type Leases, whole } from './leases.ts';
import type { Marks } from './marks.ts';
import type { Names } from './names.ts';
import { rowText, versionOf } from './row-text.ts';
import type { Seal } from './sealed.ts';
import { WRITE } from './write-script.ts';

type Written =
  | readonly ['ok', string, string]
  | readonly ['leased']
  | readonly ['version']
  | readonly ['names', string]
  | readonly ['void', string];

/** How often a write restarts because another process took its names over or wrote the row meanwhile. */
const TRIES = 10;

export interface WritesOptions {
  readonly client: Client;
  readonly names: Names;
  readonly leases: Leases;
  readonly seal: Seal;
  /** instead of Redis's own time, for revisions of sets */
  readonly clock: Clock | undefined;
  /** the channel that announces rows of this tenant; '': none */
  readonly channelOf: (tenant: string) => string;
  readonly onFailure: (error: unknown) => void;
  readonly marks: Marks;
}

export function createWrites({
  client,
  names,
  leases,
  seal,
  clock,
  channelOf,
  onFailure,
  marks,
}: WritesOptions): (write: Write, options: Pick<WriteOptions, 'take' | 'under'>) => Promise<WriteResult> {
  const storedVersion = async ({ tenant, id }: Key): Promise<number> => {
    const value = await client.ask((redis) => redis.hgetBuffer(rowsKey(tenant), id));
    return value === null ? 0 : versionOf(value);
  };

  /** Another process that needs such a name sees that the row does not have it: a failure here loses nothing. */
  const free = (key: Key, instance: string, which: readonly string[]): Promise<void> =>
    which.length === 0 ? Promise.resolve() : names.free(key, instance, which).catch(onFailure);

  return async (write, { take, under }) => {
    const { key, expect } = write;
    const keys = [rowsKey(key.tenant), besideRows(key.tenant, 'tokens'), leaseKey(key)];
    const { version, head, names: wanted, members, body, created, dueAt, since, tombstone } = rowText(write, seal);
    const [instance = '', ...reserved] = JSON.parse(wanted) as string[];
    const fixed = [version, head, wanted, members, body, created, dueAt, since, tombstone];
    const settings = [clock?.() ?? '', channelOf(key.tenant)];
    /** names the row is believed to have: a missing row has none */
    let confirmed = expect === 0 ? '[]' : '';
    const voided: string[] = [];
    const rows = await marks.of(key.tenant);

    for (let tries = 0; tries < TRIES; tries++) {
      const come = confirmed === '' ? [] : missing(reserved, instance, confirmed);
      let tokens: readonly string[] = [];
      if (come.length > 0) {
        const reservation = await names.reserve(key, instance, come, voided);
        if (reservation.kind === 'taken')
          return (await storedVersion(key)) === expect ? nameTaken(reservation) : { kind: 'version' };
        ({ tokens } = reservation);
      }
      const args = [key.id, expect, ...fixed, confirmed, JSON.stringify(tokens), ...settings, under?.token ?? ''];
      const answer =
        take === undefined
          ? await client.run<Written>(WRITE, keys, [...args, '', '', rows])
          : await leases.marked(key, take, (mark) =>
              client.run<Written>(WRITE, keys, [...args, whole(take), mark, rows]),
            );
      switch (answer[0]) {
        case 'ok': {
          const [, held, token] = answer;
          const [before = '', ...had] = JSON.parse(held) as string[];
          await free(key, before, before === instance ? had.filter((name) => !reserved.includes(name)) : had);
          return token === '' ? { kind: 'ok' } : { kind: 'ok', lease: { key, token: Number(token) } };
        }
        case 'leased':
        case 'version':
          await free(key, instance, come);
          return { kind: answer[0] };
        case 'names':
          [, confirmed] = answer;
          break;
        case 'void':
          voided.push(answer[1]);
      }
    }
    throw unavailable(new Error('names of a row change hands too often'));
  };
}

/** Reserved names that a row with the names `known` does not have. */
function missing(reserved: readonly string[], instance: string, confirmed: string): string[] {
  const [before, ...had] = JSON.parse(confirmed) as string[];
  return before === instance ? reserved.filter((name) => !had.includes(name)) : [...reserved];
}

const nameTaken = ({ name, holder }: { readonly name: string; readonly holder: Key }): WriteResult => ({
  kind: 'name',
  name,
  holder,
});

/** A sandbox with a ZITADEL port on it, for the tests of this room. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/server.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { type Connection, createConnection } from '../../src/zitadel/connection.ts';
import { createZitadel, type ZitadelOptions } from '../../src/zitadel/zitadel.ts';
import type { Zitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Facts } from '../../src/mapping/facts.ts';
import type { Step } from '../../src/mapping/steps.ts';

export interface World {
  readonly sandbox: Sandbox;
  readonly connection: Connection;
  /** calls made, by name and outcome */
  readonly calls: string[];
  /** a tenant on organization A; a manager's token when nothing else is said */
  zitadel(options?: Partial<ZitadelOptions>): Zitadel;
  faults(...faults: readonly Fault[]): Promise<void>;
  /** GET, or POST with a body, below /sandbox. */
  control(path: string, body?: object): Promise<unknown>;
  close(): Promise<void>;
}

export async function createWorld(options: SandboxOptions = {}): Promise<World> {
  const sandbox = await createSandbox({ lag: false, ...options });
  const connection = createConnection({ url: sandbox.url, maxInFlight: 8 });
  const calls: string[] = [];
  return {
    sandbox,
    connection,
    calls,
    zitadel: (more = {}) =>
      createZitadel({
        connection,
        organization: sandbox.seeds.organizations.a,
        credential: { kind: 'token', token: sandbox.seeds.tokens.managerA },
        emailVerified: true,
        phoneVerified: true,
        onCall: ({ call, outcome }) => calls.push(`${call}:${outcome}`),
        ...more,
      }),
    async faults(...faults) {
      const body = JSON.stringify({ faults });
      const request = { method: 'POST', body, headers: { connection: 'close' } };
      // going down may cut the answer of this request too
      const down = faults.some(({ mode }) => mode === 'down');
      const response = await fetch(`${sandbox.url}/sandbox/faults`, request).catch((error: unknown) => {
        if (!down) throw error;
      });
      if (response?.ok === false) throw new Error(await response.text());
    },
    async control(path, body) {
      const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      const response = await fetch(`${sandbox.url}/sandbox/${path}`, { ...request, headers: { connection: 'close' } });
      assert.ok(response.ok, path);
      return await response.json();
    },
    async close() {
      connection.close();
      await sandbox.close();
    },
  };
}

export const yes = (): Promise<boolean> => Promise.resolve(true);

export function person(id: string, extra: Facts = {}): Facts {
  return {
    username: id,
    givenName: 'Ann',
    familyName: 'Alpha',
    displayName: 'Ann Alpha',
    email: `${id}@example.test`,
    ...extra,
  };
}

export function creation(id: string, extra: Facts = {}): Step {
  const set = person(id, extra);
  return { call: 'CreateUser', set, names: [], after: set };
}

/** Waits until a condition holds, however slow the machine is; the five minutes are the last resort. */
export async function until(condition: () => boolean | Promise<boolean>, told = 'the condition never held') {
  for (const end = Date.now() + 300_000; !(await condition()); await pause(2)) assert.ok(Date.now() < end, told);
}

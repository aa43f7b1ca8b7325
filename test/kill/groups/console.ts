/** Somebody at ZITADEL's console who gives roles to new users by hand. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SandboxProcess } from '../../end-to-end/sandbox.ts';
import { persist } from '../watch.ts';
import { BY_HAND, PROJECT } from './rules.ts';

export interface Console {
  /** Ids of users who have the roles given by hand. */
  readonly given: ReadonlySet<string>;
  /** Gives the roles to a user who is in no group and who is there; resolves once lists show them. */
  give(user: string): Promise<void>;
}

/** ms: lists of rights show a write at the latest so long after it. What is given later may be overwritten, for an update says all roles. */
const SHOWN = 600;

export function createConsole(sandbox: SandboxProcess): Console {
  const given = new Set<string>();
  const { a: organization } = sandbox.seeds.organizations;
  return {
    given,
    async give(user) {
      const found = await persist(() => fetch(`${sandbox.url}/sandbox/users/${user}`));
      if (!found.ok) return; // its create is answered and not delivered yet
      const who = { userId: user };
      await persist(() => sandbox.post('/sandbox/members', { ...who, organization, roles: [BY_HAND.org] }));
      await persist(() => sandbox.post('/sandbox/grants', { ...who, project: PROJECT, roles: [BY_HAND.project] }));
      given.add(user);
      await pause(SHOWN);
    },
  };
}

/** All clients of a run, those of users and those of groups, and what they and the sandbox say at its end. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SandboxProcess } from '../end-to-end/sandbox.ts';
import { createConsole } from './groups/console.ts';
import type { GroupLife } from './groups/lives.ts';
import { createGroupLoad } from './groups/load.ts';
import { judgeGroups } from './groups/oracle.ts';
import { holdsByRule, RULES } from './groups/rules.ts';
import type { Send } from './line.ts';
import type { Life } from './lives.ts';
import { createUserLoad, type UserLoad } from './load.ts';
import { judge, type Violation } from './oracle.ts';
import { holderOf, peopleOf, type Written, writtenAt } from './people.ts';

export interface ClientsOptions {
  readonly seed: number;
  readonly users: number;
  readonly clients: number;
  readonly groups: number;
  readonly groupClients: number;
}

/** What is to be told of a run. */
export interface Verdict {
  readonly lives: readonly Life[];
  readonly groups: readonly GroupLife[];
  /** in ZITADEL at the end */
  readonly memberships: number;
  /** users who hold what a rule gives */
  readonly holders: number;
  /** calls that write, applied or not */
  readonly writes: number;
  readonly violations: readonly Violation[];
}

export interface Clients {
  /** those of users */
  readonly load: UserLoad;
  start(): void;
  /** Every client ends the request it is at. */
  stop(): Promise<void>;
  /** Requests that ended as no client is to see it: without an answer although the bridge lived, or with an error of the program. */
  strange(): readonly string[];
  /** Judges what ZITADEL has, once nothing moves any more. What it was judged by stays in `folder` as evidence.json. */
  judge(folder: string): Promise<Verdict & { readonly written: readonly Written[] }>;
}

export function createClients(options: ClientsOptions, sandbox: SandboxProcess, send: Send): Clients {
  const { seed, groups, groupClients } = options;
  const load = createUserLoad({ ...options, think: 60, send });
  const console = createConsole(sandbox);
  const users = (): readonly Life[] => load.lives;
  const groupLoad = createGroupLoad({ seed, groups, clients: groupClients, think: 150, send, users, console });
  return {
    load,
    start() {
      load.start();
      groupLoad.start();
    },
    async stop() {
      await Promise.all([load.stop(), groupLoad.stop()]);
    },
    strange() {
      const failed = [...load.lives, ...groupLoad.lives].flatMap(({ birth, wishes }) =>
        wishes.flatMap(({ kind, status = 0, detail }) =>
          status >= 500 && status !== 503 ? [`${kind} ${birth} was answered ${status} ${detail ?? ''}`] : [],
        ),
      );
      return [...[...load.silent, ...groupLoad.silent].map((what) => `no answer: ${what}`), ...failed];
    },
    async judge(folder) {
      const evidence = {
        rules: RULES,
        lives: load.lives,
        groups: groupLoad.lives,
        people: await peopleOf(sandbox),
        holder: await holderOf(sandbox),
        written: await writtenAt(sandbox),
        given: [...console.given],
      };
      await writeFile(join(folder, 'evidence.json'), JSON.stringify(evidence, null, 1), { mode: 0o600 });
      const { people, written } = evidence;
      return {
        lives: load.lives,
        groups: groupLoad.lives,
        violations: [...judge(evidence), ...judgeGroups(evidence)],
        written,
        writes: written.length,
        memberships: people.reduce((sum, { groups: of }) => sum + of.length, 0),
        holders: people.filter(holdsByRule).length,
      };
    },
  };
}

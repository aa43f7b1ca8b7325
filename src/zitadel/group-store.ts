import type { GroupStore, Outcome, Unreadable } from '../bridge/ports/zitadel.ts';
import type { Step } from '../mapping/steps.ts';
import type { Call } from './caller.ts';
import { outcomeOf, STOPPED, unreadable } from './outcome.ts';
import { createListMetadata, EMPTY } from './reader.ts';
import { sendStep, type Users, type Writing } from './steps.ts';

export interface HolderOptions {
  readonly call: Call;
  readonly users: Users;
  readonly writing: Writing;
}

/** Answers to a create whose id, or name, is taken: perhaps by an earlier attempt. */
const TAKEN: ReadonlySet<string | null> = new Set(['COMMAND-k2una', 'V3-DKcYh']);

export function createHolder({ call, users, writing }: HolderOptions): GroupStore {
  const { organization } = writing;
  const id = `scim-groups-${organization}`;
  const listMetadata = createListMetadata(call, users);
  /** undefined: it exists and is ours. This is cached until a call says that it is gone. */
  let there: Promise<Unreadable | undefined> | undefined;

  /**
   * ZITADEL's commands may know a user its reads do not: a projection can miss it (measured). Deleting a key that does
   * not exist shows this, and changes nothing.
   */
  async function asCommandsSay(): Promise<Unreadable | 'hidden' | 'gone'> {
    const result = await call({ name: 'DeleteUserMetadata', effect: 'read', user: id, keys: 1 }, (options) =>
      users.deleteUserMetadata({ userId: id, keys: [NO_KEY] }, options),
    );
    if (result.kind === 'stopped') return STOPPED;
    if (result.kind === 'ok') return 'hidden';
    const { kind } = outcomeOf(result.failure);
    return kind === 'already' ? 'hidden' : kind === 'gone' ? 'gone' : unreadable(result.failure);
  }

  /** Any client can choose ids, and the organization header separates nothing (measured): compare the owner. */
  async function look(): Promise<Unreadable | 'ours' | 'hidden' | 'gone'> {
    const result = await call({ name: 'GetUserByID', effect: 'read', user: id }, (options) =>
      users.getUserByID({ userId: id }, options),
    );
    if (result.kind === 'stopped') return STOPPED;
    if (result.kind === 'failed')
      return outcomeOf(result.failure).kind === 'gone' ? asCommandsSay() : unreadable(result.failure);
    const { user } = result.value;
    if (user?.details === undefined || user.type.case === undefined) return EMPTY;
    if (user.details.resourceOwner === organization && user.type.case === 'machine') return 'ours';
    return blocked(`the user ${id}, which is to keep the groups, is not a machine user of the organization: delete it`);
  }

  async function make(): Promise<Unreadable | undefined> {
    const found = await look();
    if (found === 'ours' || found === 'hidden') return undefined;
    if (found !== 'gone') return found;
    const value = { name: 'SCIM groups', description: 'Keeps the groups of the SCIM bridge in its metadata' };
    const request = {
      organizationId: organization,
      userId: id,
      username: id,
      userType: { case: 'machine', value },
    } as const;
    const result = await call({ name: 'CreateUser', effect: 'write', user: id }, (options) =>
      users.createUser(request, options),
    );
    if (result.kind !== 'failed') return undefined;
    if (TAKEN.has(result.failure.id)) {
      const again = await look();
      if (again === 'ours' || again === 'hidden') return undefined;
      if (again !== 'gone') return again;
      return blocked(`the userName ${id}, which is to keep the groups, is taken by another user of ZITADEL`);
    }
    const outcome = outcomeOf(result.failure);
    // a second create with the same id and name does no harm, and the step itself was not sent
    if (outcome.kind === 'retry') return { ...outcome, definite: true };
    return outcome.kind === 'blocked' ? outcome : blocked(`CreateUser ${id}: ${result.failure.message}`);
  }

  /** Concurrent calls look it up, or create it, once. */
  async function ready(): Promise<Unreadable | undefined> {
    const mine = (there ??= make());
    const unready = await mine;
    if (unready !== undefined && there === mine) there = undefined;
    return unready;
  }

  async function write({ call: name, set }: Step, proceed: () => Promise<boolean>): Promise<Outcome> {
    if (name !== 'SetUserMetadata' && name !== 'DeleteUserMetadata') throw new Error(`${name} is not for the holder`);
    const keys = Object.keys(set).length;
    // parallel writes on one user fail (measured)
    const spec = { name, effect: 'write', user: id, proceed, keys, alone: `holder ${organization}` } as const;
    const result = await call(spec, (options) => sendStep(users, id, { call: name, set }, writing, options));
    if (result.kind === 'ok') return { kind: 'done' };
    return result.kind === 'stopped' ? STOPPED : outcomeOf(result.failure);
  }

  return {
    async read() {
      const [found, metadata] = await Promise.all([look(), listMetadata(id, 'request')]);
      if (found === 'gone') return { kind: 'gone' };
      if (found !== 'ours' && found !== 'hidden') return found;
      // reads that miss the user may miss its metadata too: this does not mean a group is gone
      if (found === 'hidden' && metadata.kind === 'ok' && Object.keys(metadata.value).length === 0) return HIDDEN;
      if (metadata.kind === 'ok') return { kind: 'found', facts: metadata.value };
      return metadata.kind === 'stopped' ? STOPPED : unreadable(metadata.failure);
    },

    async run(step, proceed) {
      for (let again = false; ; again = true) {
        const unready = await ready();
        if (unready !== undefined) return unready;
        const outcome = await write(step, proceed);
        if (outcome.kind !== 'gone') return outcome;
        there = undefined;
        if (again) return { kind: 'retry', definite: true, cause: 'answer', reason: `${id} was deleted meanwhile` };
      }
    },
  };
}

/** A key that is never set. */
const NO_KEY = 'urn:zitadel:scim:nothing';

const HIDDEN: Unreadable = {
  kind: 'retry',
  definite: true,
  cause: 'answer',
  reason: "ZITADEL's reads have lost the user that keeps the groups: rebuild its projection",
};

const blocked = (reason: string): Unreadable => ({ kind: 'blocked', reason });

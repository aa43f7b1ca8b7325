/** The groups of one tenant: definitions on the holder, memberships on the users. */
import { BridgeError, withNote } from '../../errors.ts';
import { contended } from '../requests/submit.ts';
import type { Lock } from '../delivery/exclusive.ts';
import type { Definition } from '../../mapping/groups.ts';
import type { Clock, Context, Ids } from '../ports/context.ts';
import type { Store } from '../ports/store.ts';
import type { Unique } from '../row/types.ts';
import type { Scheduler } from '../ports/scheduler.ts';
import type { Timing } from '../timing.ts';
import type { GroupEdit, GroupResource, Groups } from '../requests/use-cases.ts';
import type { DefinitionChanges } from './definition-changes.ts';
import type { Deletions } from './deletions.ts';
import type { ScanLine } from '../requests/scan-queue.ts';
import type { Directory } from './directory.ts';
import { createGroupList } from './list.ts';
import type { MembershipChanges } from './membership-changes.ts';
import { type Replays, createReplays } from './replay.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';
import { TRUSTED_DISPLAY_NAME, TRUSTED_EXTERNAL_ID } from './active-rules.ts';
import type { GroupViews } from './group-views.ts';
import { createGroupLocks } from './group-locks.ts';
import { memberChangesOf } from './member-changes.ts';

export interface GroupsOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly lock: Lock;
  readonly directory: Directory;
  readonly definitions: DefinitionChanges;
  readonly memberships: MembershipChanges;
  readonly rules: RuleEvaluation;
  readonly deletions: Deletions;
  readonly show: GroupViews;
  /** scans of the tenant */
  readonly scans: ScanLine;
  /** ids that are no users and no groups are refused; else they wait for their user */
  readonly strictMembers: boolean;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
}

/** Ids that wait for their user stand in the definition of the group: bytes, of 500,000 that a value may have; the rest is for its groups. */
const MOST_PENDING = 250_000;
/** The turn of those that take groups into groups; no group has this id. */
const NESTING = '';

export function createGroups(options: GroupsOptions): Groups {
  const { tenant, store, directory, definitions, memberships, rules, deletions, show, clock, timing } = options;
  const repeats: Replays = createReplays(options);
  const turns = createGroupLocks(tenant, options.lock);

  /** What joins a group, by what it is. Throws 400 for ids that nobody has when these are refused. */
  async function sorted(group: string, wishes: ReadonlyMap<string, boolean>, deadline: number) {
    const users = new Map<string, boolean>();
    const groups = new Map<string, boolean>();
    for (const [id, joins] of wishes) {
      if (directory.find(id) !== undefined || (!joins && id === group)) groups.set(id, joins);
      else users.set(id, joins);
    }
    if (options.strictMembers) {
      const joining = [...users].flatMap(([id, joins]) => (joins ? [id] : []));
      const unknown = await memberships.unknown(joining, deadline);
      if (unknown.length > 0) throw unknownMembers(unknown);
    }
    for (const [id, joins] of groups) if (joins) checkCycle(group, id);
    return { users, groups };
  }

  /** A group that is, through its members, a member of itself would have no end. */
  function checkCycle(group: string, member: string): void {
    const seen = new Set<string>();
    const rest = [member];
    for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
      if (id === group)
        throw new BridgeError(400, 'members: a group cannot be a member of itself, not through other groups either', {
          scimType: 'invalidValue',
        });
      if (seen.has(id)) continue;
      seen.add(id);
      rest.push(...(directory.find(id)?.groups ?? []));
    }
  }

  /** Users first, then what turned out to be no user waits in the definition. */
  async function bring(
    ctx: Context,
    id: string,
    users: ReadonlyMap<string, boolean>,
    deadline: number,
    begun: boolean,
  ): Promise<void> {
    let unknown: readonly string[] = [];
    let refusal: unknown;
    if (users.size > 0)
      try {
        unknown = await memberships.change(ctx, id, users, deadline, begun);
      } catch (error) {
        if (!(error instanceof BridgeError) || error.status === 503) throw error;
        refusal = withNote(error, 'the other members were changed');
      }
    const isOver = (value: string): boolean => users.has(value) && !unknown.includes(value);
    const at = clock();
    await definitions.change(
      ctx,
      id,
      (now) => {
        const kept = now.pending.filter(({ value }) => !isOver(value));
        const fresh = unknown.filter((value) => !kept.some((each) => each.value === value));
        const pending = [...kept, ...fresh.map((value) => ({ value, at }))];
        if (fresh.length > 0 && Buffer.byteLength(JSON.stringify(pending)) > MOST_PENDING)
          throw tooManyUnknown(fresh.length);
        return pending.length === now.pending.length && fresh.length === 0 ? now : { ...now, pending };
      },
      deadline,
      { later: begun && clock() >= deadline },
    );
    if (refusal !== undefined) throw refusal;
  }

  async function create(ctx: Context, input: Parameters<Groups['create']>[1]): ReturnType<Groups['create']> {
    const deadline = clock() + timing.answerWithinMs;
    const wishes = new Map(input.members.map((member) => [member, true]));
    for (;;) {
      const own = options.ids();
      const ended = repeats.begin(own);
      try {
        const id = await make(ctx, own, input, wishes, deadline);
        if (id === own) return { resource: await show.get(id, true), ended: (delivered) => void ended(delivered) };
        await ended(false);
        if (await repeats.adopt(id, deadline)) return await answerAgain(ctx, id, wishes, deadline);
        if (clock() >= deadline) throw contended();
      } catch (error) {
        await ended(false);
        throw error;
      }
    }
  }

  /** Gives the id of the group, another one when an equal request has made it already. */
  async function make(
    ctx: Context,
    own: string,
    input: Parameters<Groups['create']>[1],
    wishes: ReadonlyMap<string, boolean>,
    deadline: number,
  ): Promise<string> {
    const { users, groups } = await sorted(own, wishes, deadline);
    const definition: Definition = {
      displayName: input.displayName,
      ...(input.externalId === undefined ? {} : { externalId: input.externalId }),
      groups: [...groups.keys()],
      pending: [],
      deleting: false,
    };
    const id = await definitions.create(ctx, own, definition, input.hash, deadline);
    if (id === own) await fill(ctx, id, users, deadline);
    return id;
  }

  /** The group that nobody was told of, its members included. */
  async function answerAgain(ctx: Context, id: string, wishes: ReadonlyMap<string, boolean>, deadline: number) {
    const ended = repeats.begin(id);
    try {
      const { users } = await sorted(id, wishes, deadline);
      await fill(ctx, id, users, deadline);
      return { resource: await show.get(id, true), ended: (delivered: boolean) => void ended(delivered) };
    } catch (error) {
      await ended(false);
      throw error;
    }
  }

  async function fill(ctx: Context, id: string, users: ReadonlyMap<string, boolean>, deadline: number): Promise<void> {
    await rules.look(id);
    await bring(ctx, id, users, deadline, true);
  }

  /**
   * Throws 400 for a replace that names members none of which is known, on a group that has members: a client whose ids are another
   * system's would empty the group (Metatavu/keycloak-scim-server#107).
   */
  async function checkReplaced(id: string, definition: Definition, wish: GroupEdit, deadline: number): Promise<void> {
    const named = wish.members.flatMap((each) => (each.kind === 'replace' ? each.ids : []));
    if (named.length === 0 || named.some((each) => directory.find(each) !== undefined)) return;
    if (await memberships.knowsAny(named, 'rows', deadline)) return;
    if ((await show.asked(id, definition)).length === 0) return;
    if (!(await memberships.knowsAny(named, 'zitadel', deadline))) throw unknownMembers(named);
  }

  function edit(
    ctx: Context,
    id: string,
    wish: GroupEdit,
    asked: { readonly members: boolean },
  ): Promise<GroupResource> {
    const isAboutAll = wish.members.some(({ kind }) => kind === 'replace' || kind === 'removeWhere');
    const deadline = clock() + timing.answerWithinMs;
    const isAlone = isAboutAll || wish.ifMatch !== undefined;
    return turns.take(id, isAlone, timing.answerWithinMs / 2, () => carryOut(ctx, id, wish, asked, deadline));
  }

  /** The definition of a group that is there. Throws 412 when none of the ETags is the group's (RFC 7644 §3.14). */
  async function matching(id: string, ifMatch: readonly string[] | undefined): Promise<Definition> {
    const { row, definition } = await definitions.read(id);
    if (ifMatch === undefined || ifMatch.includes('*') || ifMatch.includes(await show.etag(row))) return definition;
    throw new BridgeError(412, 'the group has changed since: read it again and repeat the change');
  }

  async function carryOut(
    ctx: Context,
    id: string,
    wish: GroupEdit,
    asked: { readonly members: boolean },
    deadline: number,
  ): Promise<GroupResource> {
    const definition = await matching(id, wish.ifMatch);
    await checkReplaced(id, definition, wish, deadline);
    const wishes = await memberChangesOf(wish.members, () => show.asked(id, definition));
    const { users, groups } = await sorted(id, wishes, deadline);
    const { displayName, externalId } = wish;
    const isNamed = displayName !== undefined || externalId !== undefined;
    const isNesting = [...groups.values()].includes(true);
    const define = (): Promise<boolean> =>
      definitions.change(
        ctx,
        id,
        ({ externalId: old, ...now }) => {
          for (const [each, joins] of groups) if (joins) checkCycle(id, each);
          const next = externalId === undefined ? old : (externalId ?? undefined);
          return {
            ...now,
            displayName: displayName ?? now.displayName,
            ...(next === undefined ? {} : { externalId: next }),
            groups: [
              ...now.groups.filter((each) => wishes.get(each) !== false),
              ...[...groups].flatMap(([each, joins]) => (joins && !now.groups.includes(each) ? [each] : [])),
            ],
            pending: now.pending.filter(({ value }) => wishes.get(value) !== false),
          };
        },
        deadline,
        {
          said: [
            ...(displayName === undefined ? [] : ([TRUSTED_DISPLAY_NAME] as const)),
            ...(externalId === undefined ? [] : ([TRUSTED_EXTERNAL_ID] as const)),
          ],
        },
      );
    // of two groups that take each other in one is late
    const begun = isNesting ? await turns.take(NESTING, true, timing.answerWithinMs / 2, define) : await define();
    if (isNamed) await rules.look(id);
    await bring(ctx, id, users, deadline, begun);
    return show.get(id, asked.members);
  }

  return {
    create,
    edit,
    get: (_ctx, id, { members }) => show.get(id, members),
    list: createGroupList({ tenant, store, show, scans: options.scans }),
    async remove(ctx, id, ifMatch) {
      const deadline = clock() + timing.answerWithinMs;
      await turns.take(id, true, timing.answerWithinMs / 2, async () => {
        await matching(id, ifMatch);
        await deletions.remove(ctx, id, deadline);
      });
    },
  };
}

const tooManyUnknown = (count: number): BridgeError =>
  new BridgeError(
    400,
    `members.value: ${count} ids are no users of this tenant, more than can be kept (the other members were changed)`,
    {
      scimType: 'invalidValue',
    },
  );

function unknownMembers(ids: readonly string[]): BridgeError {
  const some = ids.slice(0, 5).map((id) => JSON.stringify(id.slice(0, 60)));
  const more = ids.length > some.length ? ` and ${ids.length - some.length} more` : '';
  return new BridgeError(400, `members.value: there is no user and no group with the id ${some.join(', ')}${more}`, {
    scimType: 'invalidValue',
  });
}

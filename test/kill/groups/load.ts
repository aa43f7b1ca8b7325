/** Clients that create, rename, fill, replace and delete groups; each group has an owner, and all others change its members as well. */
import { setTimeout as pause } from 'node:timers/promises';
import { chance, int, pick, type Random } from '../../mapping/random.ts';
import { clientsAtWork, type Load, noteEnd } from '../asking.ts';
import type { Send } from '../line.ts';
import { isCreated, isDeleteAsked, isDeleted, type Life } from '../lives.ts';
import { groupRequest } from './bodies.ts';
import type { Console } from './console.ts';
import { type GroupLife, type GroupWish, joinable } from './lives.ts';
import { BEGINNINGS, LEADS } from './rules.ts';

export interface GroupLoadOptions {
  readonly seed: number;
  readonly groups: number;
  readonly clients: number;
  /** the longest pause between two requests of a client, ms */
  readonly think: number;
  readonly send: Send;
  readonly users: () => readonly Life[];
  readonly console: Console;
}

interface Slot {
  readonly name: string;
  life: GroupLife | undefined;
  births: number;
}

type Asked = Pick<GroupWish, 'kind' | 'name' | 'joins' | 'whole'>;

const OWN = ['rename', 'rename', 'both', 'members', 'members', 'members', 'replace', 'delete'] as const;
/** Of the users that are new to groups so many are given roles by hand before. */
const BY_HAND = 0.3;
const DELETE: Asked = { kind: 'delete', joins: {}, whole: false };

export function createGroupLoad(options: GroupLoadOptions): Load<GroupLife> {
  const { seed, groups: count, clients, think, send, users, console } = options;
  const lives: GroupLife[] = [];
  const silent: string[] = [];
  const slots = Array.from({ length: count }, (_, n): Slot => ({ name: `group${n}`, life: undefined, births: 0 }));
  /** users whom somebody has thought of, and those whom the console is at: nobody else asks for them meanwhile */
  const asked = new Set<string>();
  const waiting = new Set<string>();
  let n = 0;
  let names = 0;

  async function ask(life: GroupLife, what: Asked, random: Random): Promise<void> {
    const { kind, name, joins, whole } = what;
    const wish: GroupWish = { kind, ...(name && { name }), joins, whole, n: (n += 1), sent: Date.now() };
    life.wishes.push(wish);
    const reply = await send(groupRequest(life, what, random));
    if (reply.kind === 'unsent') return void life.wishes.splice(life.wishes.indexOf(wish), 1);
    wish.done = n += 1;
    noteEnd(life, wish, reply, silent);
    if (reply.kind === 'answer' && reply.status === 503) await pause(think);
  }

  /** What the owner of a group does next: it repeats what was not answered where clients do, else it wishes something new. */
  async function own(slot: Slot, random: Random): Promise<void> {
    const { life } = slot;
    const create = life?.wishes.findLast(({ kind }) => kind === 'create');
    if (life === undefined || create?.end === 'refused' || isDeleted(life)) return begin(slot, random);
    if (!isCreated(life)) return ask(life, create ?? made(random), random);
    if (isDeleteAsked(life)) return ask(life, DELETE, random);
    const what = pick(random, OWN);
    if (what === 'delete') return ask(life, DELETE, random);
    const name = what === 'rename' || what === 'both' ? { name: nameOf(random) } : {};
    const joins = what === 'rename' ? {} : await someUsers(random, what === 'replace');
    await edit(life, { ...name, joins, whole: what === 'replace' }, random);
  }

  /** An edit that says nothing is none. */
  async function edit(life: GroupLife, what: Omit<Asked, 'kind'>, random: Random): Promise<void> {
    if (what.whole || what.name !== undefined || Object.keys(what.joins).length > 0)
      await ask(life, { kind: 'edit', ...what }, random);
  }

  async function begin(slot: Slot, random: Random): Promise<void> {
    const life: GroupLife = { birth: `${slot.name}-${(slot.births += 1)}`, wishes: [] };
    slot.life = life;
    lives.push(life);
    await ask(life, { ...made(random), joins: await someUsers(random, true) }, random);
  }

  const made = (random: Random): Asked => ({ kind: 'create', name: nameOf(random), joins: {}, whole: true });

  async function help({ life }: Slot, random: Random): Promise<void> {
    if (life?.id === undefined || isDeleteAsked(life)) return;
    await edit(life, { joins: await someUsers(random, false), whole: false }, random);
  }

  function nameOf(random: Random): string {
    return chance(random, 0.1) ? LEADS : `${pick(random, BEGINNINGS)} ${(names += 1)}`;
  }

  /** Up to four, who are to come or, unless all of them are, to leave. */
  async function someUsers(random: Random, allCome: boolean): Promise<Record<string, boolean>> {
    const ids = joinable(users()).filter((id) => !waiting.has(id));
    const joins: Record<string, boolean> = {};
    for (let many = int(random, Math.min(4, ids.length) + 1); many > 0; many -= 1)
      joins[pick(random, ids)] = allCome || chance(random, 0.6);
    const fresh = Object.keys(joins).filter((user) => !asked.has(user) && chance(random, BY_HAND));
    for (const user of fresh) waiting.add(user);
    for (const user of Object.keys(joins)) asked.add(user);
    for (const user of fresh) {
      await console.give(user);
      waiting.delete(user);
    }
    return joins;
  }

  function turnOf(client: number): (random: Random) => Promise<void> {
    const mine = slots.filter((_, slot) => slot % clients === client);
    return (random) => (chance(random, 0.5) ? own(pick(random, mine), random) : help(pick(random, slots), random));
  }

  // 500: numbers that no client of users draws from
  return { lives, silent, ...clientsAtWork({ clients, seed: seed * 1_000 + 500, think, turnOf }) };
}

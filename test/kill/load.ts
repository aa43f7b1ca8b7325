/** Clients that create, change, deactivate, rename, delete and re-create users, each one request after the other. */
import { setTimeout as pause } from 'node:timers/promises';
import { chance, pick, type Random } from '../mapping/random.ts';
import { clientsAtWork, type Load, noteEnd } from './asking.ts';
import { requestOf } from './bodies.ts';
import {
  emailAttribute,
  isCreated,
  isDeleteAsked,
  isDeleted,
  type Life,
  THERE,
  type Values,
  type Wish,
} from './lives.ts';
import type { Send } from './line.ts';

export interface UserLoad extends Load<Life> {
  /** Resolves at the next answer to a write. */
  answer(): Promise<void>;
}

export interface UserLoadOptions {
  readonly seed: number;
  /** users of the run; each has its owner among the clients, and every second one a client beside it that writes other attributes */
  readonly users: number;
  readonly clients: number;
  /** the longest pause between two requests of a client, ms */
  readonly think: number;
  readonly send: Send;
}

/** A user name's way through its lives. */
interface User {
  readonly name: string;
  readonly shared: boolean;
  /** the last one asked for: who is deleted is created again under it */
  userName: string;
  life: Life | undefined;
  births: number;
}

type Part = 'owner' | 'helper';

export function createUserLoad({ seed, users: count, clients, think, send }: UserLoadOptions): UserLoad {
  const lives: Life[] = [];
  const silent: string[] = [];
  const users = Array.from({ length: count }, (_, n): User => {
    const name = `user${n}`;
    return { name, shared: n % 2 === 1, userName: `${name}@example.test`, life: undefined, births: 0 };
  });
  let sent = 0;
  let values = 0;
  let told = Promise.withResolvers<void>();

  const nameOf = ({ name }: User): string => `${name}n${fresh()}@example.test`;
  const fresh = (): string => String((values += 1)).padStart(7, '0');

  async function ask(life: Life, kind: Wish['kind'], values: Values): Promise<void> {
    const wish: Wish = { n: (sent += 1), kind, values, sent: Date.now() };
    life.wishes.push(wish);
    const reply = await send(requestOf(life, wish));
    if (reply.kind === 'unsent') return forget(life, wish);
    noteEnd(life, wish, reply, silent);
    if (reply.kind !== 'answer') return;
    if (kind === 'create' && reply.status === 409) await findOut(life, wish);
    told.resolve();
    told = Promise.withResolvers();
    if (reply.status === 503) await pause(think);
  }

  /** It was never asked. */
  function forget(life: Life, wish: Wish): void {
    life.wishes.splice(life.wishes.indexOf(wish), 1);
    if (life.wishes.length === 0) lives.splice(lives.indexOf(life), 1);
  }

  /** A client whose create was cut off may be told that the userName is taken: it looks whose it is. */
  async function findOut(life: Life, wish: Wish): Promise<void> {
    const filter = encodeURIComponent(`userName eq "${wish.values['userName']}"`);
    const reply = await send({ method: 'GET', path: `/Users?filter=${filter}` });
    if (reply.kind !== 'answer' || reply.status !== 200) return void (wish.end = 'unanswered');
    const [found] = reply.body.Resources ?? [];
    if (found?.name?.familyName !== life.birth) return;
    life.id = String(found.id);
    wish.end = 'answered';
  }

  /** What a user's owner does next: it repeats what was not answered where clients do, else it wishes something new. */
  async function own(user: User, random: Random): Promise<void> {
    const { life } = user;
    if (life === undefined || isDeleted(life) || life.wishes.length === 0) return create(user, random);
    const last = life.wishes.findLast(({ kind }) => kind === 'create');
    if (last?.end === 'refused') {
      user.userName = nameOf(user);
      return create(user, random);
    }
    if (!isCreated(life)) return ask(life, 'create', last?.values ?? {});
    if (isDeleteAsked(life)) return ask(life, 'delete', {});
    const what = pick(random, user.shared ? OWN : ALL);
    if (what === 'delete') return ask(life, 'delete', {});
    const values = valuesOf(what, user, life, random);
    user.userName = values['userName'] ?? user.userName;
    return ask(life, 'edit', values);
  }

  async function create(user: User, random: Random): Promise<void> {
    const life: Life = { birth: `${user.name}-${(user.births += 1)}`, wishes: [] };
    user.life = life;
    lives.push(life);
    const n = fresh();
    const values = {
      userName: user.userName,
      active: String(chance(random, 0.9)),
      [emailAttribute(`e${n}@example.test`)]: THERE,
    };
    await ask(life, 'create', { ...values, ...(chance(random, 0.5) ? { title: `t${n}` } : {}) });
  }

  /** Writes attributes that the owner leaves alone, while the owner writes. */
  async function help({ life }: User, random: Random): Promise<void> {
    if (life?.id === undefined || isDeleteAsked(life)) return;
    await ask(life, 'edit', simple(pick(random, HELP)));
  }

  function simple(what: (typeof HELP)[number] | 'title' | 'nickName'): Values {
    const n = fresh();
    if (what === 'phone') return { phone: `+4179${n}` };
    if (what === 'email') return { [emailAttribute(`e${n}@example.test`)]: THERE };
    return { [what]: `${what[0]}${n}` };
  }

  function valuesOf(what: Exclude<(typeof ALL)[number], 'delete'>, user: User, life: Life, random: Random): Values {
    const active = String(chance(random, 0.5));
    if (what === 'put') return { ...whole(life), ...simple('title'), ...simple('phone') };
    if (what === 'active') return { active };
    if (what === 'rename') return { userName: nameOf(user) };
    if (what === 'both') return { active, ...simple('title') };
    return simple(what);
  }

  function turnOf(client: number): (random: Random) => Promise<void> {
    const mine: { readonly user: User; readonly part: Part }[] = users.flatMap((user, n) => [
      ...(n % clients === client ? [{ user, part: 'owner' as const }] : []),
      ...(user.shared && (n + 1) % clients === client ? [{ user, part: 'helper' as const }] : []),
    ]);
    return async (random) => {
      const { user, part } = pick(random, mine);
      await (part === 'owner' ? own(user, random) : help(user, random));
    };
  }

  return {
    lives,
    silent,
    answer: () => told.promise,
    ...clientsAtWork({ clients, seed: seed * 1_000, think, turnOf }),
  };
}

const OWN = ['title', 'title', 'nickName', 'active', 'active', 'active', 'both', 'rename', 'delete'] as const;
const HELP = ['phone', 'email'] as const;
const ALL = [...OWN, ...HELP, 'put'] as const;

/** All that a user is to be, as its only client wishes it. */
const whole = ({ wishes }: Life): Values => Object.assign({}, ...wishes.map(({ values }) => values)) as Values;

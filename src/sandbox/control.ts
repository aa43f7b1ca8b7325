import type { Socket } from 'node:net';
import { addOrganization } from './seed.ts';
import type { Organization, User } from './entities.ts';
import type { Fault, Faults } from './faults.ts';
import { fill } from './fill.ts';
import type { Journal } from './journal.ts';
import { opens } from './passwords.ts';
import type { World } from './world.ts';

export interface Control {
  readonly world: World;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly seeds: () => object;
}

interface Asked {
  readonly method: string;
  /** Path parts after /sandbox. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly socket: Socket;
  /** Parsed JSON body, {} when there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Told {
  readonly status: number;
  /** An object is sent as JSON, a text as it is. */
  readonly body: object | string;
}

const OK: Told = { status: 200, body: {} };
const MISSING: Told = { status: 404, body: { error: 'nothing here' } };

/** The endpoints below /sandbox, by which tests and operators look into a sandbox and upset it. */
export async function control({ world, faults, journal, seeds }: Control, asked: Asked): Promise<Told> {
  const { state } = world;
  const { method, parts, query, body } = asked;
  const [what, id, detail] = parts;
  const posts = method === 'POST';

  switch (what) {
    case 'seeds':
      return { status: 200, body: seeds() };
    case 'calls':
      if (posts) journal.resetCounts();
      return { status: 200, body: journal.counts() };
    case 'log':
      return { status: 200, body: journal.lines(Number(query.get('from') ?? 0)) };
    case 'faults':
      if (posts) faults.replace((body.faults as readonly Fault[] | undefined) ?? [body as Fault], asked.socket);
      return { status: 200, body: { faults: faults.current() } };
    case 'tokens':
      return done(world, () => setToken(world, body));
    case 'organizations':
      return done(world, () => setOrganization(world, { ...body, ...(id ? { id } : {}) }));
    case 'idps':
      return done(world, () => {
        const idp = { id: String(body.id ?? world.id()), name: String(body.name ?? 'idp') };
        state.idps.set(idp.id, idp);
        return idp;
      });
    case 'fill':
      return done(world, () => fill(world, body));
    case 'settle':
      return done(world, () => state.settle());
    case 'users': {
      const user = state.users.get(id ?? '');
      if (!user) return MISSING;
      if (detail === 'state' && posts) return done(world, () => setState(world, user, body.state as User['state']));
      if (detail === 'password') {
        const text = String(body.verify ?? query.get('verify') ?? '');
        const login = user.state === 'active' && (await opens(user.password, text));
        return { status: 200, body: { login, kind: user.password?.kind ?? null } };
      }
      return MISSING;
    }
    default:
      return MISSING;
  }
}

function done(world: World, act: () => object | void): Told {
  const answer = act();
  world.state.commit();
  return answer ? { status: 200, body: answer } : OK;
}

function setState({ state, events, stamp }: World, user: User, wanted: User['state']): void {
  state.users.set(user.id, { ...user, state: wanted, sequence: events(user.id), changed: stamp() });
}

/** A known token is revoked or revived; a new one needs the user it is for. */
function setToken({ state }: World, body: Asked['body']): void {
  const token = String(body.token);
  const userId = String(body.userId ?? state.tokens.get(token)?.userId ?? '');
  state.tokens.set(token, { token, userId, revoked: body.revoked === true });
}

/** Adds an organization, or changes the fields named of one: name, state, domains, passwordRules, loginNameIncludesDomain. */
function setOrganization({ state, stamp, id }: World, body: Asked['body']): Organization {
  const facts = body as Partial<Organization>;
  const known = state.organizations.get(facts.id ?? '');
  const name = facts.name ?? known?.name ?? 'unnamed';
  return addOrganization(state, { ...known, ...facts, id: facts.id ?? id(), name }, stamp());
}

import type { Socket } from 'node:net';
import { addOrganization } from './seed.ts';
import type { Grant, Idp, Member, Organization, Token, User } from './entities.ts';
import type { Fault, Faults } from './faults.ts';
import { fill } from './fill.ts';
import type { Journal } from './journal.ts';
import { opens } from './passwords.ts';
import { showUser, showUsers } from './show.ts';
import { memberId } from './state.ts';
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

/**
 * The endpoints below /sandbox, for tests and operators to inspect and disturb a sandbox. They answer JSON,
 * by HTTP/1.1, also while the sandbox is down:
 *
 * - GET seeds: ids, tokens, client and key of the seeded service users
 * - GET log?from=N: every write from the N-th on, as JSON lines (journal.ts)
 * - GET calls: {method: count}; POST calls: the same, and counts from zero again
 * - GET, POST faults: one fault or {faults: [...]} (faults.ts)
 * - GET users?organization=ID (JSON lines), GET users/ID: what is stored
 * - POST users/ID/state {state}: also 'initial', which no call of v2 can make
 * - POST users/ID/lost {lost, ms}: reads lose the user, for ms or for good, or find it again; as a fault: {mode: 'lose', method, ms}
 * - POST users/ID/password {verify}, GET users/ID/password?verify=: {login: would it log in, kind}
 * - POST tokens {token, revoked, userId, expires}: revokes, revives, or adds one; expires in ms since 1970
 * - POST members {userId, organization, roles}: gives roles and takes all others away; organization '' is the instance
 * - POST grants {userId, project, roles}: gives roles in a project of its organization and takes all others away
 * - POST organizations {id, name}, POST organizations/ID {name, state, domains, passwordRules, loginNameIncludesDomain}
 * - POST idps {id, name}
 * - POST fill {organization, users, metadata, prefix}: many users at once (fill.ts)
 * - POST settle: lists see everything now
 */
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
      if (posts) faults.replace((body.faults as readonly Fault[] | undefined) ?? [body], asked.socket);
      return { status: 200, body: { faults: faults.current() } };
    case 'tokens':
      return done(world, () => setToken(world, body));
    case 'members':
      return done(world, () => setMember(world, body));
    case 'grants':
      return done(world, () => setGrant(world, body));
    case 'organizations':
      return done(world, () => setOrganization(world, { ...body, ...(id ? { id } : {}) }));
    case 'idps':
      return done(world, () => {
        const { id: idpId = world.id(), name = 'idp' } = body as Partial<Idp>;
        const idp: Idp = { id: idpId, name };
        state.idps.set(idp.id, idp);
        return idp;
      });
    case 'fill':
      return done(world, () => fill(world, body));
    case 'settle':
      return done(world, () => state.settle());
    case 'users': {
      if (!id) return { status: 200, body: showUsers(state, query.get('organization') ?? '') };
      const user = state.users.get(id);
      if (!user) return MISSING;
      if (!detail) return { status: 200, body: showUser(state, user) };
      if (detail === 'state' && posts) return done(world, () => setState(world, user, body.state as User['state']));
      if (detail === 'lost' && posts) {
        const { lost = true, ms } = body as { readonly lost?: boolean; readonly ms?: number };
        if (lost) world.lost.lose(id, ms);
        else world.lost.find(id);
        return OK;
      }
      if (detail === 'password') {
        const text = (body.verify as string | undefined) ?? query.get('verify') ?? '';
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

/** A known token is changed; a new one needs the user it is for, and is a personal access token. */
function setToken({ state, stamp, id }: World, body: Asked['body']): void {
  const { token = '', revoked = false, userId, expires } = body as Partial<Token>;
  const confirmed = state.tokens.get(token) ?? { id: id(), created: stamp() };
  const ends = expires === undefined ? {} : { expires: expires * 1000 };
  state.tokens.set(token, {
    userId: userId ?? '',
    ...confirmed,
    ...(userId ? { userId } : {}),
    token,
    revoked,
    ...ends,
  });
}

/** Sets the given roles: no roles, no entry. */
function setMember({ state, stamp, events }: World, body: Asked['body']): void {
  const { userId = '', organization = '', roles = [] } = body as Partial<Member>;
  const member = memberId(organization, userId);
  if (roles.length === 0) return state.members.delete(member);
  const changed = stamp();
  const sequence = events(`organization ${organization}`);
  const created = state.members.get(member)?.created ?? changed;
  state.members.set(member, { organization, userId, roles, sequence, created, changed });
}

/** Sets the given roles, whether or not the project has them: no roles, no authorization. */
function setGrant({ state, stamp, id }: World, body: Asked['body']): void {
  const { userId = '', project = '', roles = [] } = body as Partial<Grant>;
  const confirmed = [...state.grants.values()].find((grant) => grant.userId === userId && grant.project === project);
  if (roles.length === 0) return confirmed && state.grants.delete(confirmed.id);
  const changed = stamp();
  const organization = state.projects.get(project)?.organization ?? '';
  const made = { id: id(), organization, userId, project, active: true, sequence: 0, created: changed };
  const grant: Grant = { ...made, ...confirmed, roles, changed };
  state.grants.set(grant.id, { ...grant, sequence: grant.sequence + 1 });
}

/** Adds an organization, or changes the fields named of one: name, state, domains, passwordRules, loginNameIncludesDomain. */
function setOrganization({ state, stamp, id }: World, body: Asked['body']): Organization {
  const facts = body as Partial<Organization>;
  const confirmed = state.organizations.get(facts.id ?? '');
  const name = facts.name ?? confirmed?.name ?? 'unnamed';
  return addOrganization(state, { ...confirmed, ...facts, id: facts.id ?? id(), name }, stamp());
}

import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import type { Outcome, Zitadel } from '../../src/bridge/ports/zitadel.ts';
import type { Facts } from '../../src/mapping/facts.ts';
import { groupKey } from '../../src/mapping/groups.ts';
import { integrityViolation } from '../../sandbox/errors.ts';
import { ORG_RIGHT, projectRight, rightsOfFacts } from '../../src/mapping/rights.ts';
import type { RightCall, RightSet } from '../../src/mapping/steps.ts';
import { createConnection } from '../../src/zitadel/connection.ts';
import { createWorld, creation, type World, yes } from './world.ts';

const world = await createWorld();
after(() => world.close());
beforeEach(() => world.faults());
const { seeds } = world.sandbox;
const project = seeds.project;
const fact = projectRight(project);
const credential = (token: string) => ({ kind: 'token', token }) as const;
const owner = world.zitadel({ credential: credential(seeds.tokens.ownerA) });
const manager = world.zitadel();

let count = 0;
/** A user without rights. */
async function fresh(of: World = world): Promise<string> {
  count += 1;
  const id = `user-${count}`;
  assert.deepEqual(await of.zitadel().run(id, creation(id), yes), { kind: 'done' });
  return id;
}

function change(id: string, call: RightCall, right: RightSet, by: Zitadel = owner, proceed = yes): Promise<Outcome> {
  return by.run(id, { call, set: {}, right, names: [], after: {} }, proceed);
}

async function held(id: string, by: Zitadel = owner): Promise<object> {
  const outcome = await by.rights(id);
  return outcome.kind === 'found' ? outcome.facts : assert.fail(JSON.stringify(outcome));
}

function authorization(outcome: Outcome): string {
  assert.equal(outcome.kind, 'done', JSON.stringify(outcome));
  const after = outcome.kind === 'done' ? outcome.after?.[fact] : undefined;
  const { id, roles } = JSON.parse(after ?? assert.fail('no id')) as { id: string; roles: readonly string[] };
  assert.deepEqual(Object.keys(outcome.kind === 'done' ? (outcome.after ?? {}) : {}), [fact]);
  assert.ok(roles.length > 0);
  return id;
}

/** Writes that ZITADEL has seen from the n-th on, and how many there are. */
async function writes(from: number): Promise<readonly Record<string, unknown>[]> {
  const log = await (await fetch(`${world.sandbox.url}/sandbox/log?from=${from + 1}`)).text();
  return log.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
}
const written = async (): Promise<number> => (await writes(0)).length;

const reason = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : '');

test('roles in the organization: given, replaced in the order given, taken away, and each again', async () => {
  const id = await fresh();
  assert.deepEqual(await held(id), {});
  const roles = ['ORG_USER_MANAGER', 'ORG_OWNER_VIEWER'];
  assert.deepEqual(await change(id, 'CreateAdministrator', { roles }), { kind: 'done' });
  assert.deepEqual(await held(id), { [ORG_RIGHT]: JSON.stringify(roles) });
  const other = ['ORG_OWNER_VIEWER', 'ORG_PROJECT_CREATOR', 'ORG_USER_MANAGER'];
  for (let times = 0; times < 2; times += 1)
    assert.deepEqual(await change(id, 'UpdateAdministrator', { roles: other }), { kind: 'done' });
  assert.deepEqual(await held(id), { [ORG_RIGHT]: JSON.stringify(other) });
  assert.deepEqual(await change(id, 'DeleteAdministrator', { roles: [] }), { kind: 'done' });
  // the answer is empty then: it does not say that anything was done
  assert.equal((await change(id, 'DeleteAdministrator', { roles: [] })).kind, 'replan');
  assert.deepEqual(await held(id), {});
});

test('roles in a project: given with the id of the authorization, replaced, taken away, and each again', async () => {
  const id = await fresh();
  const given = authorization(await change(id, 'CreateAuthorization', { project, roles: ['viewer'] }, manager));
  assert.deepEqual(await held(id, manager), { [fact]: JSON.stringify({ id: given, roles: ['viewer'] }) });
  const right = { project, authorization: given, roles: ['editor', 'viewer'] };
  for (let times = 0; times < 2; times += 1)
    assert.deepEqual(await change(id, 'UpdateAuthorization', right, manager), { kind: 'done' });
  assert.deepEqual(await held(id, manager), { [fact]: JSON.stringify({ id: given, roles: right.roles }) });
  for (let times = 0; times < 2; times += 1)
    assert.deepEqual(await change(id, 'DeleteAuthorization', { ...right, roles: [] }, manager), { kind: 'done' });
  assert.deepEqual(await held(id, manager), {});
});

test('what is held is not what was believed: replan', async () => {
  const id = await fresh();
  const roles = ['ORG_OWNER_VIEWER'];
  assert.equal((await change(id, 'UpdateAdministrator', { roles })).kind, 'replan');
  await change(id, 'CreateAdministrator', { roles });
  assert.equal((await change(id, 'CreateAdministrator', { roles })).kind, 'replan');
  await change(id, 'CreateAuthorization', { project, roles: ['viewer'] });
  assert.equal((await change(id, 'CreateAuthorization', { project, roles: ['editor'] })).kind, 'replan');
  const gone = { project, authorization: 'nope', roles: ['viewer'] };
  assert.equal((await change(id, 'UpdateAuthorization', gone)).kind, 'replan');
  world.calls.length = 0;
  for (const call of ['UpdateAuthorization', 'DeleteAuthorization'] as const)
    assert.equal((await change(id, call, { project, roles: ['viewer'] })).kind, 'replan');
  assert.deepEqual(world.calls, [], 'nothing is sent without an id');
});

test('a race for one entry, in either wording: replan', async () => {
  const id = await fresh();
  const code = 'ALREADY_EXISTS';
  for (const [method, message] of [
    ['CreateAdministrator', 'Errors.Member.AlreadyExists'],
    ['CreateAuthorization', 'User grant already exists'],
  ] as const) {
    await world.faults({ mode: 'error', method, code, id: 'V3-DKcYh', message });
    const right = method === 'CreateAuthorization' ? { project, roles: ['viewer'] } : { roles: ['ORG_OWNER_VIEWER'] };
    assert.equal((await change(id, method, right)).kind, 'replan', method);
  }
});

test('a user that is not there: gone; a role or a project that is not there: refused, with a word for the operator', async () => {
  const roles = ['ORG_OWNER_VIEWER'];
  assert.deepEqual(await change('nobody', 'CreateAdministrator', { roles }), { kind: 'gone' });
  assert.deepEqual(await change('nobody', 'CreateAuthorization', { project, roles: ['viewer'] }), { kind: 'gone' });
  const id = await fresh();
  const cases: readonly [RightCall, RightSet, RegExp][] = [
    ['CreateAdministrator', { roles: ['ORG_NOPE'] }, /orgRoles/],
    ['CreateAuthorization', { project, roles: ['nope'] }, /roles of the rule/],
    ['CreateAuthorization', { project: 'nope', roles: ['viewer'] }, /project of the rule/],
  ];
  for (const [call, right, says] of cases) {
    const outcome = await change(id, call, right);
    assert.equal(outcome.kind, 'refused', JSON.stringify(outcome));
    assert.match(outcome.kind === 'refused' ? outcome.error.message : '', says);
  }
  await change(id, 'CreateAdministrator', { roles });
  assert.equal((await change(id, 'UpdateAdministrator', { roles: ['ORG_NOPE'] })).kind, 'refused');
});

test('no permission: blocked', async () => {
  const id = await fresh();
  const outcome = await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] }, manager);
  assert.equal(outcome.kind, 'blocked');
  assert.match(reason(outcome), /ORG_OWNER/);
  const viewer = world.zitadel({ credential: credential(seeds.tokens.viewerA) });
  assert.equal((await change(id, 'CreateAuthorization', { project, roles: ['viewer'] }, viewer)).kind, 'blocked');
});

test('roles that the rule makes are added to the project, once', async () => {
  const [one, two] = [await fresh(), await fresh()];
  const right = { project, roles: ['viewer', 'Sales team'], creates: ['Sales team'] };
  world.calls.length = 0;
  const id = authorization(await change(one, 'CreateAuthorization', right));
  authorization(await change(two, 'CreateAuthorization', right));
  assert.deepEqual(
    world.calls.filter((each) => each.startsWith('AddProjectRole')),
    ['AddProjectRole:ok'],
  );
  const more = { project, authorization: id, roles: ['viewer', 'Desk', 'Sales team'], creates: ['Sales team', 'Desk'] };
  assert.deepEqual(await change(one, 'UpdateAuthorization', more), { kind: 'done' });
  assert.deepEqual(await held(one), { [fact]: JSON.stringify({ id, roles: more.roles }) });
});

test('many users get a new role at once: it is added once, one call at a time', async () => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => fresh()));
  const from = await written();
  await world.faults({ mode: 'slow', method: 'AddProjectRole', ms: 20 });
  const right = { project, roles: ['Crowd'], creates: ['Crowd'] };
  for (const outcome of await Promise.all(ids.map((id) => change(id, 'CreateAuthorization', right))))
    authorization(outcome);
  const adding = (await writes(from)).filter(({ method }) => method === 'AddProjectRole');
  assert.equal(adding.filter(({ outcome }) => outcome === 'ok').length, 1);
  for (const { parallel } of adding) assert.equal(parallel, 1);
});

test('roles that cannot be added: why, and nothing is done to the user', async () => {
  const id = await fresh();
  const right = { project, roles: ['Unmade'], creates: ['Unmade'] };
  const denied = await change(id, 'CreateAuthorization', right, manager);
  assert.equal(denied.kind, 'blocked');
  assert.match(reason(denied), /createRoles needs ORG_OWNER/);
  // whether the role was added nobody knows; that nothing was done to the user is certain
  await world.faults({ method: 'AddProjectRole', dropAfter: true, times: 1 });
  const dropped = await change(id, 'CreateAuthorization', right);
  assert.ok(dropped.kind === 'retry' && dropped.definite, JSON.stringify(dropped));
  assert.deepEqual(await held(id), {});
  authorization(await change(id, 'CreateAuthorization', right));
});

test('a lost lease: nothing is sent, not after waiting for the others either', async () => {
  const id = await fresh();
  world.calls.length = 0;
  const no = (): Promise<boolean> => Promise.resolve(false);
  const outcome = await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] }, owner, no);
  assert.deepEqual(outcome, { kind: 'retry', definite: true, cause: 'away', reason: 'lease-lost' });
  let asked = 0;
  const once = (): Promise<boolean> => {
    asked += 1;
    return Promise.resolve(asked === 1);
  };
  const right = { project, roles: ['Lost'], creates: ['Lost'] };
  assert.equal(reason(await change(id, 'CreateAuthorization', right, owner, once)), 'lease-lost');
  assert.deepEqual(world.calls, ['CreateAuthorization:COMMAND-mm9F4']);
  assert.deepEqual(await held(id), {});
});

test('one call at a time on the members of an organization, and who waits takes no slot from others', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => fresh()));
  const from = await written();
  await world.faults({ mode: 'slow', method: 'CreateAdministrator', ms: 20 });
  let ended = 0;
  const members = ids.map(async (id) => {
    const outcome = await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] });
    ended += 1;
    return outcome;
  });
  assert.equal((await owner.read(ids[0] ?? '')).kind, 'found');
  assert.ok(ended < 10, 'a read does not wait behind thirty members');
  for (const outcome of await Promise.all(members)) assert.deepEqual(outcome, { kind: 'done' });
  const giving = (await writes(from)).filter(({ method }) => method === 'CreateAdministrator');
  assert.equal(giving.length, 30);
  for (const { parallel } of giving) assert.equal(parallel, 1);
});

test('parallel writes of another process: retry, and nothing was written', async () => {
  const id = await fresh();
  const { rawMessage: message } = integrityViolation('C');
  await world.faults({ mode: 'error', method: 'CreateAdministrator', code: 'UNKNOWN', message });
  const outcome = await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] });
  assert.ok(outcome.kind === 'retry' && outcome.definite);
});

test('who may not see members leaves their roles out; who may not see authorizations says so', async () => {
  const id = await fresh();
  await change(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] });
  const given = authorization(await change(id, 'CreateAuthorization', { project, roles: ['viewer'] }));
  world.calls.length = 0;
  assert.deepEqual(await held(id, manager), { [fact]: JSON.stringify({ id: given, roles: ['viewer'] }) });
  assert.ok(!world.calls.some((each) => each.startsWith('ListAdministrators')), world.calls.join(' '));
  assert.equal((await manager.allRights()).get(id)?.[ORG_RIGHT], undefined);
  const noRole = world.zitadel({ credential: credential(seeds.tokens.noRoleA) });
  const blind = await noRole.rights(id);
  assert.equal(blind.kind, 'blocked', JSON.stringify(blind));
  await assert.rejects(noRole.allRights(), { name: 'BridgeError', status: 503 });
});

test('a token that loses its role is not told that nothing is held', async () => {
  const id = await fresh();
  await change(id, 'CreateAuthorization', { project, roles: ['viewer'] });
  const service = String(seeds.users['org-a-no-role']);
  const organization = seeds.organizations.a;
  await world.control('members', { userId: service, organization, roles: ['ORG_USER_MANAGER'] });
  const options = { credential: credential(seeds.tokens.noRoleA) };
  const [zitadel, other] = [world.zitadel(options), world.zitadel({ ...options, standingMs: 0 })];
  for (const each of [zitadel, other]) assert.equal((await each.rights(id)).kind, 'found');
  await world.control('members', { userId: service, organization, roles: [] });
  assert.equal((await other.rights(id)).kind, 'blocked');
  // what it may do was asked a moment ago: the first call that is refused says that this holds no more
  assert.equal((await zitadel.run(id, { call: 'LockUser', set: {}, names: [], after: {} }, yes)).kind, 'blocked');
  assert.equal((await zitadel.rights(id)).kind, 'blocked');
});

test('inactive authorizations count, those of other organizations do not', async () => {
  const id = await fresh();
  const given = authorization(await change(id, 'CreateAuthorization', { project, roles: ['viewer'] }));
  const post = (service: string, method: string, body: object): Promise<Response> =>
    fetch(`${world.sandbox.url}/zitadel.${service}/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${seeds.tokens.instanceOwner}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const authorizations = 'authorization.v2beta.AuthorizationService';
  assert.ok((await post(authorizations, 'DeactivateAuthorization', { id: given })).ok);
  const made = await post('project.v2beta.ProjectService', 'CreateProject', {
    organizationId: seeds.organizations.b,
    name: 'of b',
  });
  const { id: other } = (await made.json()) as { id: string };
  const wanted = { userId: id, projectId: other, organizationId: seeds.organizations.b };
  assert.ok((await post(authorizations, 'CreateAuthorization', wanted)).ok);
  const instance = world.zitadel({ credential: credential(seeds.tokens.instanceOwner) });
  for (const facts of [await held(id, instance), (await instance.allRights()).get(id)])
    assert.deepEqual(facts, { [fact]: JSON.stringify({ id: given, roles: ['viewer'] }) });
});

for (const services of ['v2', 'v2beta'] as const) {
  test(`rights by ${services}: every call`, async (context) => {
    const one = await createWorld({ services });
    context.after(() => one.close());
    const zitadel = one.zitadel({ credential: credential(one.sandbox.seeds.tokens.ownerA) });
    const id = await fresh(one);
    const run = (call: RightCall, right: RightSet): Promise<Outcome> => change(id, call, right, zitadel);
    const right = { project, roles: ['viewer', 'Made'], creates: ['Made'] };
    const given = authorization(await run('CreateAuthorization', right));
    assert.deepEqual(await run('CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] }), { kind: 'done' });
    const facts = { [ORG_RIGHT]: '["ORG_OWNER_VIEWER"]', [fact]: JSON.stringify({ id: given, roles: right.roles }) };
    assert.deepEqual(await held(id, zitadel), facts);
    assert.deepEqual((await zitadel.allRights()).get(id), facts);
    const other = { project, authorization: given, roles: ['admin'] };
    assert.deepEqual(await run('UpdateAuthorization', other), { kind: 'done' });
    assert.deepEqual(await run('UpdateAdministrator', { roles: ['ORG_OWNER'] }), { kind: 'done' });
    const now = { [ORG_RIGHT]: '["ORG_OWNER"]', [fact]: JSON.stringify({ id: given, roles: ['admin'] }) };
    assert.deepEqual(await held(id, zitadel), now);
    assert.deepEqual(await run('DeleteAuthorization', other), { kind: 'done' });
    assert.deepEqual(await run('DeleteAdministrator', { roles: [] }), { kind: 'done' });
    assert.deepEqual(await held(id, zitadel), {});
  });
}

test('lists of more than one page are read whole', async (context) => {
  const one = await createWorld();
  context.after(() => one.close());
  const { organizations, tokens } = one.sandbox.seeds;
  const zitadel = one.zitadel({ credential: credential(tokens.ownerA) });
  await one.control('fill', { organization: organizations.a, users: 1_001, prefix: 'many' });
  const ids: string[] = [];
  for await (const page of zitadel.users()) ids.push(...page.map(({ id }) => id));
  assert.equal(ids.length, 1_001);
  const run = (id: string, call: RightCall, right: RightSet): Promise<Outcome> => change(id, call, right, zitadel);
  const left = ids.values();
  // no more of them at once than there are slots: on a slow machine the last ones would wait in vain
  const giving = Array.from({ length: 4 }, async () => {
    for (const id of left) {
      const outcomes = await Promise.all([
        run(id, 'CreateAuthorization', { project, roles: ['viewer', 'editor'] }),
        run(id, 'CreateAdministrator', { roles: ['ORG_OWNER_VIEWER'] }),
      ]);
      assert.ok(
        outcomes.every(({ kind }) => kind === 'done'),
        JSON.stringify(outcomes),
      );
    }
  });
  await Promise.all(giving);
  const all = await zitadel.allRights();
  for (const id of ids) {
    const { org, projects } = rightsOfFacts(all.get(id) ?? {});
    assert.deepEqual([org, projects.get(project)?.roles], [['ORG_OWNER_VIEWER'], ['viewer', 'editor']]);
  }
});

test('away: rights are not known, and nobody is without', async () => {
  const id = await fresh();
  await world.faults({ mode: 'error', method: 'ListAuthorizations', status: 503 });
  assert.equal((await owner.rights(id)).kind, 'retry');
  const zitadel = world.zitadel();
  await world.faults({ mode: 'error', method: 'ListMyZitadelPermissions', status: 503, times: 1 });
  assert.equal((await zitadel.rights(id)).kind, 'retry');
  assert.equal((await zitadel.rights(id)).kind, 'found', 'what failed is asked again');
  await world.faults({ mode: 'error', method: 'ListAuthorizations', status: 503 });
  await assert.rejects(owner.allRights(), { name: 'BridgeError', status: 503 });
});

test('memberships wait behind what else is asked for', async (context) => {
  const connection = createConnection({ url: world.sandbox.url, maxInFlight: 1 });
  context.after(() => connection.close());
  const zitadel = world.zitadel({ connection });
  const id = await fresh();
  const order: string[] = [];
  const write = async (call: 'SetUserMetadata' | 'UpdateUser', set: Facts, name: string): Promise<void> => {
    await zitadel.run(id, { call, set, names: [], after: set }, yes);
    order.push(name);
  };
  const memberships = Array.from({ length: 6 }, (_, at) =>
    write('SetUserMetadata', { [groupKey(`g${at}`)]: '1' }, 'm'),
  );
  await Promise.all([...memberships, write('UpdateUser', { displayName: 'A' }, 'user')]);
  assert.deepEqual(order, ['m', 'user', 'm', 'm', 'm', 'm', 'm']);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, type Client, type RunningBridge } from './bridge.ts';
import {
  adding,
  apply,
  change,
  createGroup,
  createSite,
  createUser,
  createUsers,
  explain,
  giveOrg,
  giveProject,
  heldBy,
  membersOf,
  NOTHING,
  removing,
  type Site,
  sync,
} from './groups.ts';
import { patch } from './people.ts';
import { queue, settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';

// What groups give by rules: roles in the organization and in a project, together with what others gave.
let sandbox: SandboxProcess;
let site: Site;
let bridge: RunningBridge;
let scim: Client;

before(async () => {
  sandbox = await startSandbox();
  const { project } = sandbox.seeds;
  // the lists of this sandbox do not lag
  const timing = { listLagMs: 0 };
  const config = {
    groups: {
      rules: [
        { match: { displayName: 'Help desk*' }, orgRoles: ['ORG_USER_MANAGER'], allowPrivileged: true },
        { match: { displayName: 'Auditors' }, orgRoles: ['ORG_OWNER_VIEWER'], project, roles: ['viewer'] },
        { match: { externalId: '00g-editors' }, project, roles: ['editor', 'viewer'] },
        { match: { displayName: 'App *' }, project, roles: ['{displayName}'], createRoles: true },
      ],
    },
  };
  site = await createSite(sandbox, config, { timing });
  bridge = await site.start();
  scim = bridge.scim;
});
after(async () => {
  await site.end();
  await sandbox.stop();
});

test('rules by exact name, by `*`, by externalId, and with the name as role', async () => {
  const [desk, auditor, editor, app, none] = await createUsers(scim, 5);
  assert.ok(desk && auditor && editor && app && none);
  await createGroup(scim, { displayName: 'Help desk Berlin' }, desk);
  await createGroup(scim, { displayName: 'Auditors' }, auditor);
  await createGroup(scim, { displayName: 'Whatever', externalId: '00g-editors' }, editor);
  await createGroup(scim, { displayName: 'App billing' }, app);
  await createGroup(scim, { displayName: 'help desk', externalId: '00G-editors' }, none);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, desk), { org: ['ORG_USER_MANAGER'], project: [] });
  assert.deepEqual(await heldBy(sandbox, auditor), { org: ['ORG_OWNER_VIEWER'], project: ['viewer'] });
  assert.deepEqual(await heldBy(sandbox, editor), { org: [], project: ['editor', 'viewer'] });
  assert.deepEqual(await heldBy(sandbox, app), { org: [], project: ['App billing'] });
  assert.deepEqual(await heldBy(sandbox, none), NOTHING);
});

test('a user has what all groups give together, and loses what none gives any more', async () => {
  const user = await createUser(scim);
  const desk = await createGroup(scim, { displayName: 'Help desk union' });
  const second = await createGroup(scim, { displayName: 'Help desk other' });
  const editors = await createGroup(scim, { externalId: '00g-editors' });
  const app = await createGroup(scim, { displayName: 'App union' });
  for (const { id } of [desk, second, editors, app]) await change(scim, id, adding(user));
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), {
    org: ['ORG_USER_MANAGER'],
    project: ['App union', 'editor', 'viewer'],
  });
  await change(scim, desk.id, removing(user));
  await change(scim, editors.id, removing(user));
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: ['ORG_USER_MANAGER'], project: ['App union'] });
  await answered(204, scim('DELETE', `/Groups/${second.id}`));
  await answered(204, scim('DELETE', `/Groups/${app.id}`));
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
});

test('roles that no rule names stay, in the organization and in the project', async () => {
  const user = await createUser(scim);
  await giveOrg(sandbox, user, 'ORG_SETTINGS_MANAGER');
  await giveProject(sandbox, user, 'admin');
  const desk = await createGroup(scim, { displayName: 'Help desk unmanaged' }, user);
  const editors = await createGroup(scim, { externalId: '00g-editors' }, user);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), {
    org: ['ORG_SETTINGS_MANAGER', 'ORG_USER_MANAGER'],
    project: ['admin', 'editor', 'viewer'],
  });
  const { rights } = await explain(bridge, user);
  const admin = rights.find(({ role }) => role === 'admin');
  assert.deepEqual([admin?.managed, admin?.held, admin?.groups], [false, true, []]);
  await change(scim, desk.id, removing(user));
  await change(scim, editors.id, removing(user));
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: ['ORG_SETTINGS_MANAGER'], project: ['admin'] });
});

test('somebody gives and takes roles in the console meanwhile: right after a sync', async () => {
  const [user, outsider] = await createUsers(scim, 2);
  assert.ok(user && outsider);
  await createGroup(scim, { displayName: 'Help desk console', externalId: '00g-editors' }, user);
  await settled(bridge);
  await apply(bridge); // the first rules take away only what they gave
  await giveOrg(sandbox, user, 'ORG_OWNER_VIEWER', 'ORG_SETTINGS_MANAGER');
  await giveProject(sandbox, user, 'editor', 'admin');
  await giveOrg(sandbox, outsider, 'ORG_USER_MANAGER', 'ORG_SETTINGS_MANAGER');
  await giveProject(sandbox, outsider, 'viewer');
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), {
    org: ['ORG_SETTINGS_MANAGER', 'ORG_USER_MANAGER'],
    project: ['admin', 'editor', 'viewer'],
  });
  assert.deepEqual(await heldBy(sandbox, outsider), { org: ['ORG_SETTINGS_MANAGER'], project: [] });
  await giveOrg(sandbox, user);
  await giveProject(sandbox, user);
  await sync(bridge);
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), { org: ['ORG_USER_MANAGER'], project: ['editor', 'viewer'] });
});

test('somebody gives a role in the console right before a membership changes: it stays', async () => {
  const user = await createUser(scim);
  const desk = await createGroup(scim, { displayName: 'Help desk late', externalId: '00g-editors' }, user);
  await settled(bridge);
  for (const body of [removing(user), adding(user), removing(user)]) {
    await giveOrg(sandbox, user, 'ORG_SETTINGS_MANAGER', ...(await heldBy(sandbox, user)).org);
    await giveProject(sandbox, user, 'admin', ...(await heldBy(sandbox, user)).project);
    await change(scim, desk.id, body);
    await settled(bridge);
    const { org, project } = await heldBy(sandbox, user);
    assert.ok(org.includes('ORG_SETTINGS_MANAGER') && project.includes('admin'), JSON.stringify({ org, project }));
    await giveOrg(sandbox, user, ...org.filter((role) => role !== 'ORG_SETTINGS_MANAGER'));
    await giveProject(sandbox, user, ...project.filter((role) => role !== 'admin'));
  }
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
});

test('a role that ZITADEL refuses for good: the request succeeds, the rest is given, the right is a dead letter', async () => {
  const user = await createUser(scim);
  await sandbox.faults({
    mode: 'error',
    method: 'CreateAuthorization',
    code: 'FAILED_PRECONDITION',
    id: 'COMMAND-mm9F4',
    message: 'Errors.Project.Role.NotExisting',
  });
  const group = await createGroup(scim, { displayName: 'Auditors of nothing', externalId: '00g-editors' });
  const desk = await createGroup(scim, { displayName: 'Help desk refused' });
  await change(scim, group.id, adding(user));
  await change(scim, desk.id, adding(user));
  await settled(bridge);
  await sandbox.faults();
  assert.deepEqual(await heldBy(sandbox, user), { org: ['ORG_USER_MANAGER'], project: [] });
  assert.deepEqual(await membersOf(scim, group.id), [user]);
  assert.deepEqual(
    (await queue(bridge, 'dead-letter')).map(({ id }) => id),
    [user],
  );
  const { rights } = await explain(bridge, user);
  const refused = rights.find(({ role }) => role === 'editor');
  assert.deepEqual(
    [refused?.standing, refused?.held, refused?.groups.map(({ id }) => id)],
    ['dead-letter', false, [group.id]],
  );
  assert.match(refused?.reason ?? '', /\S/);
});

test('an externalId that changes takes its rights along at once; a user that is inactive keeps groups and rights', async () => {
  const user = await createUser(scim);
  const group = await createGroup(scim, { externalId: '00g-editors' }, user);
  await answered(200, scim('PATCH', `/Users/${user}`, patch({ op: 'replace', path: 'active', value: false })));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, user)).project, ['editor', 'viewer']);
  await change(scim, group.id, patch({ op: 'replace', path: 'externalId', value: 'other' }));
  await settled(bridge);
  assert.deepEqual(await heldBy(sandbox, user), NOTHING);
  await change(scim, group.id, patch({ op: 'replace', path: 'externalId', value: '00g-editors' }));
  await settled(bridge);
  assert.deepEqual((await heldBy(sandbox, user)).project, ['editor', 'viewer']);
});

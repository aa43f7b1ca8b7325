import { after, before, test } from 'node:test';
import { adding, change, createGroup, createSite, createUser, heldBy, removing, type Site } from './groups.ts';
import { settled } from './queue.ts';
import { type SandboxProcess, startSandbox } from './sandbox.ts';
import { until } from './until.ts';

// A ZITADEL that answers late is no ZITADEL that is away.
let sandbox: SandboxProcess;
let site: Site;

before(async () => {
  sandbox = await startSandbox();
  const { project } = sandbox.seeds;
  const rules = [{ match: { externalId: '00g-editors' }, project, roles: ['editor', 'viewer'] }];
  site = await createSite(sandbox, { groups: { rules } }, { timing: { listLagMs: 0 } });
});
after(async () => {
  await site.end();
  await sandbox.stop();
});

test('lists of rights that take longer than they are believed: rights are taken and given all the same', async (t) => {
  t.after(() => sandbox.faults());
  const { scim, ...bridge } = await site.start({ timing: { believedMs: 20, answerWithinMs: 500 } });
  const user = await createUser(scim);
  const group = await createGroup(scim, { externalId: '00g-editors' }, user);
  await sandbox.faults({ mode: 'slow', ms: 60, method: 'ListAuthorizations' });
  await change(scim, group.id, removing(user));
  await until(async () => (await heldBy(sandbox, user)).project.length === 0);
  await change(scim, group.id, adding(user));
  await until(async () => (await heldBy(sandbox, user)).project.length === 2);
  await settled(bridge);
});

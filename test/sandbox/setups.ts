import type { Scene } from './scene.ts';
import type { Json } from './stage.ts';

export type SetUp = (scene: Scene) => Promise<unknown>;

/** A request about a user nobody made: what stands for it is an id that is free. */
const nobody: SetUp = async (scene) => scene.is('nope', scene.fresh('nope-'));
const subject: SetUp = (scene) => scene.subject();
/** Other values for what a create may freely choose. */
const freeNames: SetUp = async (scene) => {
  scene.is('uid-bob', scene.fresh('uid-'));
  const { username } = scene.exchange.request;
  if (typeof username === 'string' && username.trim() !== '') scene.is(username, scene.fresh('name'));
};

/** The subject after some calls of UserService on it. */
function after(...methods: string[]): SetUp {
  return async (scene) => {
    const userId = await scene.subject();
    for (const method of methods) await scene.does('user', method, { userId });
  };
}

/** The request was sent before, so that its date must stay. */
function again(service: 'user' | 'administrator' | 'authorization', date: string, setUp: SetUp): SetUp {
  return async (scene) => {
    await setUp(scene);
    const first = await scene.does(service, scene.exchange.method, scene.in(scene.exchange.request));
    scene.exact.set(date, first[date]);
  };
}

const withPhone = { phone: { phone: '+41791112233', isVerified: true } };
const withNick = {
  profile: {
    givenName: 'Ann',
    familyName: 'Alpha',
    nickName: 'N',
    displayName: 'D',
    preferredLanguage: 'de',
    gender: 'GENDER_FEMALE',
  },
};

function metadata(...rows: [key: string, value: string][]): SetUp {
  return async (scene) => {
    const userId = await scene.subject();
    for (const [key, value] of rows)
      await scene.does('user', 'SetUserMetadata', { userId, metadata: [{ key, value }] });
  };
}

async function idp(scene: Scene, recorded = '400560741683301414'): Promise<string> {
  const { id } = await scene.control('idps', { id: scene.fresh('idp-') });
  scene.is(recorded, String(id));
  return String(id);
}

/** An external id that another user is linked to. */
function linked(externalId: string): SetUp {
  return async (scene) => {
    const idpId = await idp(scene);
    scene.is(externalId, scene.fresh('ext'));
    const { id } = await scene.user();
    const idpLink = { idpId, userId: scene.in(externalId), userName: 'ext' };
    await scene.does('user', 'AddIDPLink', { userId: id, idpLink });
  };
}

const session: SetUp = async (scene) => {
  const { id, username } = await scene.user();
  const made = await scene.does('session', 'CreateSession', { checks: { user: { userId: id } } });
  scene.is('400560733261138982', id);
  scene.is('400560742991924262', String(made.sessionId));
  scene.is('p2v', username);
};

function administrator(...roles: string[]): SetUp {
  return async (scene) => {
    const userId = await scene.subject({ username: 'administrator-of-'.concat(scene.fresh('x')) });
    const resource = { organizationId: scene.a };
    await scene.does('administrator', 'CreateAdministrator', { userId, resource, roles });
  };
}

/** A project with roles r1, r2, r3 and two users; with roles the subject has them. */
function project(...roles: string[]): SetUp {
  return async (scene) => {
    const name = scene.fresh('project');
    const made = await scene.does('project', 'CreateProject', { organizationId: scene.a, name });
    const projectId = String(made.id);
    for (const roleKey of ['r1', 'r2', 'r3']) {
      await scene.does('project', 'AddProjectRole', { projectId, roleKey, displayName: roleKey });
    }
    scene.is('PROJECT_1', projectId);
    scene.is('sample-project', name);
    await nobody(scene);
    const { userId } = scene.exchange.request;
    const about = typeof userId === 'string' ? userId : '400560733227584550';
    const { id, username } = await scene.user({ human: { profile: { givenName: 'Ann', familyName: 'Alpha' } } });
    if (about !== 'nope') scene.is(about, id);
    scene.is('p2', username);
    if (roles.length === 0) return;
    const grant = { userId: id, projectId, organizationId: scene.a, roleKeys: roles };
    const { id: grantId } = await scene.does('authorization', 'CreateAuthorization', grant);
    for (const recorded of ['400560746599025702', '400560747689544742']) scene.is(recorded, String(grantId));
  };
}

function organization(recorded: string, ...methods: string[]): SetUp {
  return async (scene) => {
    const made = await scene.does('organization', 'CreateOrganization', { name: scene.fresh('org') });
    const id = String(made.id);
    scene.is(recorded, id);
    const owned = await scene.user({ organization: id });
    scene.is('400562661500128294', owned.id);
    for (const method of methods) await scene.does('organization', method, { id });
    await freeNames(scene);
  };
}

const userOfB: SetUp = (scene) => scene.subject({ organization: scene.b });

function rowsLike(names: (scene: Scene, n: number) => string, rows: Json[] = []): SetUp {
  return async (scene) => {
    const shown = (scene.exchange.response?.result ?? []) as Json[];
    for (const [n, one] of shown.entries())
      await scene.userLike(
        one,
        rows.map((row) => scene.in(row)),
        names(scene, n),
      );
  };
}

/** How the state of each exchange is made, by its name. Where nothing stands, byMethod decides. */
export const SETUPS: Readonly<Record<string, SetUp>> = {
  'create, username taken': async (scene) => scene.is('ann', (await scene.user()).username),
  'create, username taken in other case': async (scene) =>
    scene.is('ANN-MWQ4NPBT', (await scene.user()).username.toUpperCase()),
  'create, username taken in another organization': async (scene) => scene.is('ann', (await scene.user()).username),
  'create, user_id taken, other username': async (scene) => {
    await freeNames(scene);
    scene.is('uid-bob', (await scene.user()).id);
  },
  "create, username is an email under another org's verified domain": async (scene) => {
    const domain = `${scene.fresh('sample')}.test`;
    await scene.control(`organizations/${scene.b}`, { domains: [domain] });
    scene.is('zed@sample.test', `zed@${domain}`);
  },
  'create with IdP link, IdP active': async (scene) => {
    await freeNames(scene);
    await idp(scene);
    scene.is('ext2', scene.fresh('ext'));
  },
  'create with IdP link already taken': async (scene) => {
    await freeNames(scene);
    await linked('ext2')(scene);
  },
  'create again with the id of a deleted user': async (scene) => {
    await freeNames(scene);
    await after('DeleteUser')(scene);
  },
  'create user in a deactivated organization': organization('400562660040510502', 'DeactivateOrganization'),
  'create user in a deleted organization, header names it': organization('400562660040510502', 'DeleteOrganization'),
  'get user of a deleted organization': organization('', 'DeleteOrganization'),

  'get by id': (scene) => scene.userLike(scene.exchange.response?.user as Json),
  'get by id, user of another org than the header': (scene) => scene.userLike(scene.exchange.response?.user as Json),
  'get, locked': async (scene) => {
    const userId = await scene.userLike(scene.exchange.response?.user as Json);
    await scene.does('user', 'LockUser', { userId });
  },
  'get user, deleted': after('DeleteUser'),
  'get user of B as ORG_OWNER of A': userOfB,

  'update, nothing changed': again('user', 'changeDate', subject),
  'update, username taken': async (scene) => {
    await scene.subject();
    scene.is('ann', (await scene.user()).username);
  },
  'update, only username, no human': async (scene) => {
    await scene.subject();
    await freeNames(scene);
  },
  'update, username with empty human': async (scene) => {
    await scene.subject();
    scene.is('bobx', scene.fresh('name'));
  },
  'update phone empty': (scene) => scene.subject({ human: withPhone }),
  'update phone empty with is_verified': (scene) => scene.subject({ human: withPhone }),
  'update machine as human': nobody,
  'update user of B as ORG_OWNER of A': userOfB,
  'UpdateHumanUser (deprecated), names only, has nick and display': (scene) => scene.subject({ human: withNick }),
  'UpdateHumanUser (deprecated), nick empty with names': (scene) => scene.subject({ human: withNick }),

  'deactivate, already inactive': after('DeactivateUser'),
  'deactivate, locked': after('LockUser'),
  'deactivate, initial': async (scene) => {
    const id = await scene.subject();
    await scene.control(`users/${id}/state`, { state: 'initial' });
  },
  reactivate: after('DeactivateUser'),
  'reactivate, was locked then deactivated': after('LockUser', 'DeactivateUser'),
  unlock: after('LockUser'),
  'delete user, already deleted': after('DeleteUser'),

  'set metadata, same again': again('user', 'setDate', subject),
  'set metadata, deleted': after('DeleteUser'),
  'list metadata': metadata(['k2', 'djI='], ['k1', 'djE='], [' ', 'dg==']),
  'list metadata of a user of B as ORG_OWNER of A': userOfB,
  'delete metadata, one key missing': metadata(['k1', 'djE=']),
  'delete metadata': metadata(['k1', 'djE='], ['k2', 'djI=']),

  'invite code, again': async (scene) => {
    const userId = await scene.subject();
    await scene.does('user', 'CreateInviteCode', { userId, returnCode: {} });
  },
  'invite code, has a password': (scene) => scene.subject({ human: { password: { password: 'Password1!' } } }),
  'invite code, user has an IdP link': async (scene) => {
    const userId = await scene.subject();
    const idpLink = { idpId: await idp(scene), userId: scene.fresh('ext'), userName: 'ext' };
    await scene.does('user', 'AddIDPLink', { userId, idpLink });
  },
  'add IdP link': async (scene) => {
    await scene.subject();
    await idp(scene);
    scene.is('ext3', scene.fresh('ext'));
  },
  'add IdP link, taken by another user': async (scene) => {
    await scene.subject();
    await linked('ext3')(scene);
  },
  'list IdP links': async (scene) => {
    const userId = await scene.subject();
    scene.is('ext3', scene.fresh('ext'));
    const idpLink = { idpId: await idp(scene), userId: scene.in('ext3'), userName: 'ext3@x' };
    await scene.does('user', 'AddIDPLink', { userId, idpLink });
  },

  'create session': async (scene) => scene.is('400560733261138982', (await scene.user()).id),
  'list sessions by user': session,
  'delete session without its token': session,
  'delete session, unknown': nobody,

  'administrator create, user of another organization': userOfB,
  'administrator create: user of B into A as ORG_OWNER of A': userOfB,
  'administrator create, already one': administrator('ORG_USER_MANAGER'),
  'administrator create, deleted user': after('DeleteUser'),
  'administrator update': administrator('ORG_USER_MANAGER'),
  'administrator update, same': again('administrator', 'changeDate', administrator('ORG_USER_MANAGER')),
  'administrator update, bad role': administrator('ORG_USER_MANAGER'),
  'administrator update of a real one as mgr': administrator('ORG_OWNER_VIEWER'),
  'administrator delete': administrator('ORG_USER_MANAGER'),
  'administrators list by organization and user': async (scene) => {
    const { id, username } = await scene.user({ human: { profile: { givenName: 'Ann', familyName: 'Alpha' } } });
    scene.is('400560733227584550', id);
    scene.is('p2', username);
    const resource = { organizationId: scene.a };
    const roles = ['ORG_USER_MANAGER', 'ORG_OWNER_VIEWER'];
    await scene.does('administrator', 'CreateAdministrator', { userId: id, resource, roles });
  },
  'administrator delete, last ORG_OWNER': async (scene) => {
    const { id: userId } = await scene.user();
    const admins = [{ userId, roles: ['ORG_OWNER'] }];
    const made = await scene.does('organization', 'CreateOrganization', { name: scene.fresh('org'), admins });
    scene.is('400560746548694054', String(made.id));
    scene.is('400560746548759590', userId);
  },

  'authorization create': project(),
  'authorization create, duplicate': project('r1'),
  'authorization create, no roles': project(),
  'authorization create, role not on project': project(),
  'authorization create, project unknown': project(),
  'authorization create, organization without a project grant': project(),
  'authorization create, user unknown': project(),
  'authorization update': project('r1'),
  'authorization update, same': again('authorization', 'changeDate', project('r1')),
  'authorization update, unknown': nobody,
  'authorizations list by user and project': project('r3'),
  'authorization delete': project('r1'),
  'authorization delete, never existed': nobody,

  'list users, one organization, limit 2': rowsLike((scene, n) => scene.fresh(`000-${n}-`)),
  'list users by metadata pair (server fields 17 and 18)': async (scene) => {
    scene.is('k1', scene.fresh('key'));
    scene.is('djE=', Buffer.from(scene.fresh('value')).toString('base64'));
    await rowsLike(() => scene.fresh('user'), [{ key: 'k1', value: 'djE=' }])(scene);
  },
};

/** The state of the exchanges that need nothing special. */
export function byMethod({ exchange }: Scene): SetUp {
  const { userId } = exchange.request;
  if (exchange.method === 'CreateUser') return freeNames;
  if (typeof userId === 'string' && userId !== 'nope' && !userId.startsWith('SERVICE_USER')) return subject;
  return nobody;
}

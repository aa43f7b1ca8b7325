/** What ZITADEL does with one user's steps, as measured: the model that plans are tried on. */
import { type Facts, overlay } from '../../src/mapping/facts.ts';
import type { Step } from '../../src/mapping/steps.ts';

/** The user after a step; null: no user. Throws when ZITADEL would refuse. */
export function applyStep(user: Facts | null, step: Step): Facts | null {
  if (step.call === 'CreateUser') {
    if (user !== null) throw new Error('exists already');
    const { password: _password, ...facts } = overlay({}, step.set);
    return { ...facts, state: 'active' };
  }
  if (user === null) throw new Error(`${step.call} of nobody`);
  switch (step.call) {
    case 'DeleteUser':
      return null;
    case 'DeactivateUser':
      if (user['state'] === 'initial') throw new Error('initial users cannot be deactivated');
      return { ...user, state: 'inactive' };
    case 'ReactivateUser':
      return { ...user, state: user['state'] === 'inactive' ? 'active' : (user['state'] ?? '') };
    case 'LockUser':
      if (user['state'] !== 'active' && user['state'] !== 'initial') throw new Error('not lockable');
      return { ...user, state: 'locked' };
    case 'UnlockUser':
      if (user['state'] !== 'locked') throw new Error('not locked');
      return { ...user, state: 'active' };
    case 'DeleteUserMetadata':
      return overlay(user, step.set);
    case 'UpdateHumanUser': {
      if (step.set['givenName'] === null || step.set['familyName'] === null) throw new Error('needs the names');
      const { nickName: _nickName, ...rest } = user;
      return rest;
    }
    default: {
      const { password: _password, ...set } = step.set;
      for (const [name, value] of Object.entries(set))
        if (value === '' || (value === null && !['phone', 'preferredLanguage'].includes(name)))
          throw new Error(`cannot clear ${name}`);
      return overlay(user, set);
    }
  }
}

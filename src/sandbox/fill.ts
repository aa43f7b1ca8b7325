import type { User } from './entities.ts';
import { SEED } from './seed.ts';
import type { World } from './world.ts';

/**
 * Makes many users at once, seen by lists at once: {organization, users, metadata: keys each, prefix: of usernames}.
 * Gives the usernames' range: prefix + 0 ... prefix + users - 1.
 */
export function fill(world: World, body: Readonly<Record<string, unknown>>): object {
  const { state } = world;
  const organization = String(body.organization ?? SEED.organizations[0].id);
  const count = Number(body.users ?? 0);
  const keys = Number(body.metadata ?? 0);
  const prefix = String(body.prefix ?? 'user');
  for (let n = 0; n < count; n += 1) {
    const stamp = world.stamp();
    const id = world.id();
    const user: User = {
      id,
      organization,
      state: 'active',
      username: `${prefix}${n}`,
      sequence: 2,
      created: stamp,
      changed: stamp,
      human: {
        givenName: 'Given',
        familyName: `Family${n}`,
        nickName: '',
        displayName: `Given Family${n}`,
        language: 'und',
        gender: 0,
        email: `${prefix}${n}@example.test`,
        emailVerified: true,
        phone: '',
        phoneVerified: false,
      },
    };
    state.users.set(id, user);
    state.usernames.take(user);
    for (let key = 0; key < keys; key += 1) {
      const value = Buffer.from(`value ${n}`).toString('base64');
      state.metadata.put(id, `key${key}`, { value, created: stamp, changed: stamp });
    }
  }
  state.settle();
  return { users: count, prefix };
}

import type { User } from './entities.ts';
import { SEED } from './seed.ts';
import type { World } from './world.ts';

export interface Fill {
  readonly organization?: string;
  readonly users?: number;
  /** Keys each. */
  readonly metadata?: number;
  /** Of the usernames. */
  readonly prefix?: string;
}

/**
 * Makes many users at once, seen by lists at once.
 * Gives the usernames' range: prefix + 0 ... prefix + users - 1.
 */
export function fill(world: World, wanted: Fill): object {
  const { state } = world;
  const { organization = SEED.organizations[0].id, users: count = 0, metadata: keys = 0, prefix = 'user' } = wanted;
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

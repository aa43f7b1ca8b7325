/** THE TROUBLES TABLE: what befalls the processes, one a row; each is over when it returns. */
import { setTimeout as pause } from 'node:timers/promises';
import { int, pick } from '../../mapping/random.ts';
import type { RedisServer } from '../../redis/server.ts';
import { MOMENTS, type Scenery } from '../moments.ts';
import { type Fleet, type Name, NAMES } from './fleet.ts';

export interface Scene extends Scenery {
  readonly fleet: Fleet;
  readonly redis: RedisServer;
  /** of rows and turns, ms */
  readonly lease: number;
}

export interface Trouble {
  readonly name: string;
  /** Says more of it. */
  befall(scene: Scene): Promise<string>;
}

export const TROUBLES: readonly Trouble[] = [
  { name: 'kill -9 of a process that answers', befall: (scene) => killed(scene, 'api') },
  { name: 'SIGSTOP of a process that answers, past the lease', befall: (scene) => frozen(scene, 'api') },
  { name: 'kill -9 of Redis', befall: (scene) => redisKilled(scene) },
  { name: 'kill -9 of a worker', befall: (scene) => killed(scene, 'worker') },
  { name: 'ZITADEL down', befall: (scene) => down(scene) },
  { name: 'SIGSTOP of a worker, past the lease', befall: (scene) => frozen(scene, 'worker') },
  { name: 'kill -9 of all processes', befall: (scene) => allKilled(scene) },
  { name: 'SIGSTOP of Redis, past the lease', befall: (scene) => redisFrozen(scene) },
];

type Kind = 'api' | 'worker';

const one = ({ random }: Scene, kind: Kind): Name =>
  pick(
    random,
    NAMES.filter((name) => name.startsWith(kind)),
  );

/** Comes at one of the moments that need no process of their own kind. */
async function moment(scene: Scene): Promise<string> {
  const { name, come } = pick(
    scene.random,
    MOMENTS.filter(({ slowLine }) => slowLine === undefined),
  );
  await come(scene);
  return name;
}

async function killed(scene: Scene, kind: Kind): Promise<string> {
  const name = one(scene, kind);
  const when = await moment(scene);
  await scene.fleet.kill(name);
  await scene.fleet.start(name);
  return `${name}, ${when}`;
}

async function allKilled(scene: Scene): Promise<string> {
  const when = await moment(scene);
  await Promise.all(NAMES.map((name) => scene.fleet.kill(name)));
  await Promise.all(NAMES.map((name) => scene.fleet.start(name)));
  return when;
}

const pastLease = ({ lease, random }: Scene): Promise<void> => pause(lease * 1.3 + int(random, lease));

async function frozen(scene: Scene, kind: Kind): Promise<string> {
  const name = one(scene, kind);
  const when = await moment(scene);
  scene.fleet.freeze(name);
  await pastLease(scene);
  scene.fleet.thaw(name);
  return `${name}, ${when}`;
}

async function redisKilled(scene: Scene): Promise<string> {
  const when = await moment(scene);
  await scene.redis.kill();
  await pause(int(scene.random, 1_500));
  await scene.redis.start();
  return when;
}

async function redisFrozen(scene: Scene): Promise<string> {
  const when = await moment(scene);
  scene.redis.freeze();
  await pastLease(scene);
  scene.redis.thaw();
  return when;
}

async function down({ weather, random }: Scene): Promise<string> {
  await weather.set('down');
  const ms = 500 + int(random, 1_500);
  await pause(ms);
  return `${ms} ms`;
}

import { createCalls } from './calls.ts';
import { createStamps } from './clock.ts';
import { listen } from './connections.ts';
import type { Version } from './errors.ts';
import { createFaults } from './faults.ts';
import { createJournal } from './journal.ts';
import { keyPairOf } from './keys.ts';
import type { KeyFile } from './keys.ts';
import { createLag, MEASURED_LAG } from './lag.ts';
import type { LagOptions } from './lag.ts';
import { createLatency } from './latency.ts';
import { createLost } from './lost.ts';
import { createPermissions } from './permissions.ts';
import { createRandom } from './random.ts';
import { createRoutes } from './routes.ts';
import { createRpc } from './rpc.ts';
import type { Twins } from './rpc.ts';
import { SEED, addOrganization, seed, tokenOf } from './seed.ts';
import { createState } from './state.ts';
import { createFileStore, createMemoryStore } from './store.ts';
import { createTokenEndpoint } from './tokens.ts';
import type { World } from './world.ts';

export interface SandboxOptions {
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly host?: string;
  /** sqlite file the state is kept in; absent: memory only. */
  readonly file?: string;
  /** Lag of lists: true (default) as measured, false none, or its bounds in milliseconds. */
  readonly lag?: boolean | LagOptions;
  /** Take the time a ZITADEL on two cores takes; default false. */
  readonly latency?: boolean;
  /** Organizations beside the seeded ones. */
  readonly organizations?: readonly { readonly id: string; readonly name: string }[];
  /** Which ZITADEL it answers as; default A, the measured one, with both of the twin services. */
  readonly version?: Version;
  /** Which of the twin services are served; default as the version named, else both. */
  readonly services?: Twins;
  /** Largest limit of ListUsers and other lists, as on servers from 4.20 on (1000); default 0, none. */
  readonly maxLimit?: number;
  /** The host name the instance answers to; absent: every one. */
  readonly externalDomain?: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** Seed of its randomness: lag, races, faults. */
  readonly randomSeed?: number;
}

/** The credentials of a new sandbox; the same after every start. */
export interface Seeds {
  readonly organizations: { readonly a: string; readonly b: string };
  readonly project: string;
  readonly tokens: {
    readonly instanceOwner: string;
    readonly ownerA: string;
    readonly managerA: string;
    readonly viewerA: string;
    readonly noRoleA: string;
    readonly ownerB: string;
    readonly managerB: string;
  };
  /** Ids of the service users, by name. */
  readonly users: Readonly<Record<string, string>>;
  /** Client credentials of the manager of A. */
  readonly client: { readonly id: string; readonly secret: string };
  /** Key of the manager of A. */
  readonly key: KeyFile;
}

export interface Sandbox {
  readonly url: string;
  readonly port: number;
  readonly seeds: Seeds;
  close(): Promise<void>;
}

/** Starts a sandbox ZITADEL: h2c and HTTP/1.1 on one port. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { port = 0, host = '127.0.0.1', file, lag = true, latency = false, clock = Date.now } = options;
  const random = createRandom(options.randomSeed ?? 7644);
  const store = file ? createFileStore(file) : createMemoryStore();
  const lagOptions = lag === true ? MEASURED_LAG : lag || null;
  const state = createState(store, lagOptions && createLag(lagOptions, clock, random), clock);
  const stamps = createStamps(clock);
  seed(state, stamps.stamp());
  for (const facts of options.organizations ?? []) {
    if (!state.organizations.has(facts.id)) addOrganization(state, facts, stamps.stamp());
  }
  state.commit();
  const pair = await keyPairOf(store);
  const journal = createJournal();
  const faults = createFaults(clock, random, (asker) => listener.cutAll(asker));
  const { version = 'A' } = options;
  const lost = createLost(clock);
  const calls = createCalls({
    faults,
    journal,
    latency: latency ? createLatency(random) : null,
    random,
    now: clock,
    commit: () => state.commit(),
    lost,
    version,
  });
  const world: World = {
    ...stamps,
    state,
    permissions: createPermissions(state),
    calls,
    lost,
    version,
    random,
    maxLimit: options.maxLimit ?? 0,
    events(aggregate, n = 1) {
      const sequence = (state.sequences.get(aggregate) ?? 0) + n;
      state.sequences.set(aggregate, sequence);
      return sequence;
    },
  };
  const seeds = seedsOf(pair.file);
  const handle = createRoutes({
    world,
    faults,
    journal,
    seeds: () => seeds,
    now: clock,
    externalDomain: options.externalDomain,
    token: createTokenEndpoint(state, pair, () => clock() * 1000),
    rpc: createRpc({ world, journal, twins: options.services ?? (options.version === 'A' ? 'v2beta' : 'both') }),
  });
  const listener = await listen({ host, port }, handle, (first) => {
    return !faults.isDown() || /^(GET|POST) \/sandbox\//.test(first.toString('latin1'));
  });
  return {
    url: `http://${host}:${listener.port}`,
    port: listener.port,
    seeds,
    async close() {
      await listener.close();
      state.commit();
      state.close();
    },
  };
}

function seedsOf(key: KeyFile): Seeds {
  const [a, b] = SEED.organizations;
  return {
    organizations: { a: a.id, b: b.id },
    project: SEED.project.id,
    tokens: {
      instanceOwner: tokenOf('instance-owner'),
      ownerA: tokenOf('org-a-owner'),
      managerA: tokenOf('org-a-manager'),
      viewerA: tokenOf('org-a-viewer'),
      noRoleA: tokenOf('org-a-no-role'),
      ownerB: tokenOf('org-b-owner'),
      managerB: tokenOf('org-b-manager'),
    },
    users: Object.fromEntries(SEED.users.map(({ name, id }) => [name, id])),
    client: SEED.client,
    key,
  };
}

/** The routes of the protocol (RFC 7644 §3.2, table 2) as a grid. */
import { BridgeError } from '../../errors.ts';
import type { BodyLimit } from './body.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { groups } from '../groups/groups.ts';
import type { Serve } from './request.ts';
import { searchAll } from './search.ts';
import { users } from '../users/users.ts';

export interface Route {
  /** template, for the log too; `:id` stands for any one segment */
  readonly path: string;
  readonly methods: Readonly<Record<string, Serve>>;
  /** answered although no first sync has finished yet */
  readonly early?: boolean;
  /** largest body, default 1 */
  readonly megabytes?: BodyLimit;
}

export interface Found {
  readonly route: Route;
  readonly id: string;
}

const notImplemented =
  (detail: string): Serve =>
  async () => {
    throw new BridgeError(501, detail);
  };

/** Groups of methods that RFC 7644 names but this server does not offer. */
const me = notImplemented('/Me is not supported: a client of this bridge is a service, not a user');
const bulk = notImplemented('bulk operations are not supported: send the requests one by one');

// biome-ignore format: one row is one route
export function createRoutes(discovery: Discovery): readonly Route[] {
  return [
    { path: '/Users', methods: { GET: users.list, POST: users.create } },
    { path: '/Users/.search', methods: { POST: users.search } },
    { path: '/Users/:id', methods: { GET: users.get, PUT: users.replace, PATCH: users.patch, DELETE: users.remove } },
    { path: '/Groups', methods: { GET: groups.list, POST: groups.create }, megabytes: 5 },
    { path: '/Groups/.search', methods: { POST: groups.search } },
    { path: '/Groups/:id', methods: { GET: groups.get, PUT: groups.replace, PATCH: groups.patch, DELETE: groups.remove }, megabytes: 5 },
    { path: '/.search', methods: { POST: searchAll } },
    { path: '/ServiceProviderConfig', methods: { GET: discovery.serviceProviderConfig }, early: true },
    { path: '/ResourceTypes', methods: { GET: discovery.resourceTypes }, early: true },
    { path: '/ResourceTypes/:id', methods: { GET: discovery.resourceType }, early: true },
    { path: '/Schemas', methods: { GET: discovery.schemas }, early: true },
    { path: '/Schemas/:id', methods: { GET: discovery.schema }, early: true },
    { path: '/Me', methods: { GET: me, POST: me, PUT: me, PATCH: me, DELETE: me }, early: true },
    { path: '/Bulk', methods: { POST: bulk }, early: true },
  ];
}

/** Finds a route by the segments of a path, without regard to case; the first row that fits. */
export function createRouteFinder(routes: readonly Route[]): (segments: readonly string[]) => Found | undefined {
  const rows = routes.map((route) => ({ route, parts: route.path.toLowerCase().split('/').slice(1) }));
  return (segments) => {
    const wanted = segments.map((segment) => segment.toLowerCase());
    const row = rows.find(
      ({ parts }) =>
        parts.length === wanted.length && parts.every((part, index) => part === ':id' || part === wanted[index]),
    );
    return row && { route: row.route, id: row.route.path.endsWith(':id') ? (segments.at(-1) ?? '') : '' };
  };
}

/** The method of a route. HEAD is a GET whose body the server does not send (RFC 9110 §9.3.2). Throws 405 with Allow. */
export function methodOf({ methods }: Route, method: string): Serve {
  const serve = Object.hasOwn(methods, method) ? methods[method] : method === 'HEAD' ? methods['GET'] : undefined;
  if (serve) return serve;
  throw new BridgeError(405, `${method} is not possible here`, { headers: { Allow: Object.keys(methods).join(', ') } });
}

/** Where Redis is: one line naming a host, a cluster or sentinels, with TLS and credentials. */

export interface Address {
  readonly kind: 'single' | 'sentinel' | 'cluster';
  /** of the server, of some nodes of the cluster, or of the sentinels */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** the name of the master in the sentinels */
  readonly master?: string;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly sentinelUsername?: string;
  readonly sentinelPassword?: string;
  readonly db: number;
}

const SHAPE =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^@/]*)@)?(?<hosts>[^@/?]+)(?<path>(?:\/[^/?]*)*)(?:\?(?<query>.*))?$/;
const HOST = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:[\]]+))(?::(?<port>\d{1,5}))?$/;

/**
 * Reads redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+cluster://host:port,host:port and
 * redis+sentinel://host:port,host:port/master[/db][?sentinelUsername=...&sentinelPassword=...]. User and password are percent-encoded.
 * Throws an Error for the operator that never shows a credential.
 */
export function parseAddress(url: string): Address {
  const { scheme, kind, user, hosts, path = '', query } = SHAPE.exec(url.trim())?.groups ?? {};
  if (scheme === undefined || hosts === undefined) throw new Error(`the address of Redis is not understood: ${FORMS}`);
  const sentinel = kind === 'sentinel';
  const [first = '', second = '', ...rest] = path.split('/').slice(1);
  const [master, db] = sentinel ? [first, second] : ['', first];
  if ((sentinel && master === '') || !/^\d*$/.test(db) || rest.join('') !== '' || (!sentinel && second !== '')) {
    throw new Error(`the address of Redis is not understood behind the hosts: ${FORMS}`);
  }
  if (kind === 'cluster' && Number(db) > 0) throw new Error('a Redis Cluster has no numbered databases: leave /db out');
  const asked = new URLSearchParams(query ?? '');
  const [username, password] = credentials(user);
  return {
    kind: sentinel ? 'sentinel' : kind === 'cluster' ? 'cluster' : 'single',
    hosts: hosts.split(',').map((text) => hostOf(text, sentinel ? 26_379 : 6_379)),
    ...(sentinel && { master }),
    tls: scheme === 'rediss',
    ...given({
      username,
      password,
      sentinelUsername: asked.get('sentinelUsername'),
      sentinelPassword: asked.get('sentinelPassword'),
    }),
    db: Number(db),
  };
}

/** The hosts, for messages. */
export const hostsOf = ({ hosts }: Address): string => hosts.map(({ host, port }) => `${host}:${port}`).join(', ');

const FORMS =
  'redis://host:6379, rediss://, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/master';

function hostOf(text: string, usual: number): { readonly host: string; readonly port: number } {
  const { six, host = six, port } = HOST.exec(text.trim())?.groups ?? {};
  const number = Number(port ?? usual);
  if (host === undefined || number > 65_535) throw new Error(`the address of Redis is not understood: ${FORMS}`);
  return { host, port: number };
}

function credentials(user: string | undefined): readonly [string | undefined, string | undefined] {
  if (user === undefined) return [undefined, undefined];
  const colon = user.indexOf(':');
  const name = colon === -1 ? user : user.slice(0, colon);
  try {
    return [
      name === '' ? undefined : decodeURIComponent(name),
      colon === -1 ? undefined : decodeURIComponent(user.slice(colon + 1)),
    ];
  } catch {
    throw new Error('user and password in the address of Redis must be percent-encoded');
  }
}

/** Without empty values. */
function given<T extends string>(fields: Readonly<Record<T, string | null | undefined>>): Partial<Record<T, string>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value)) as Partial<Record<T, string>>;
}

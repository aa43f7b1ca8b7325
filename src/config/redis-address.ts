/** The shape of a Redis address; the store (redis/address.ts) parses it, and a test keeps the two consistent. */
import { z } from 'zod';

const USER = /(?:(?<user>[^@/]*)@|(?![^@/]*@))/.source;
const HOST = /\s*(?:\[[^\]@/?,]+\]|[^\s:[\]@/?,][^:[\]@/?,]*)(?::\d{1,5})?\s*/.source;
const HOSTS = `(?<hosts>${HOST}(?:,${HOST})*)`;
const QUERY = /(?:\?.*)?/.source;

/** One server, with a database number; a cluster, which has none; sentinels, with the master's name. */
const KINDS: readonly RegExp[] = [
  new RegExp(`^rediss?://${USER}${HOSTS}(?:/\\d*)?/*${QUERY}$`),
  new RegExp(`^rediss?\\+cluster://${USER}${HOSTS}(?:/0*)?/*${QUERY}$`),
  new RegExp(`^rediss?\\+sentinel://${USER}${HOSTS}/[^/?]+(?:/\\d*)?/*${QUERY}$`),
];

const LARGEST_PORT = 65_535;

function isAddress(text: string): boolean {
  if (text.length > LONGEST) return false;
  const { user = '', hosts } = KINDS.map((kind) => kind.exec(text)?.groups).find(Boolean) ?? {};
  if (hosts === undefined) return false;
  if (hosts.split(',').some((host) => Number(/:(\d+)\s*$/.exec(host)?.[1] ?? 0) > LARGEST_PORT)) return false;
  try {
    return decodeURIComponent(user) !== undefined;
  } catch {
    return false;
  }
}

/** The expressions above are not linear in time, but no address is longer. */
const LONGEST = 4_000;

export const redisAddress = z
  .string({ error: 'must be a text' })
  .trim()
  .refine(
    isAddress,
    'must be redis://[user:password@]host:6379, rediss://..., redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/master; user and password percent-encoded',
  );

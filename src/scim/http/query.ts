/** Query parameters of lists and search bodies (RFC 7644 §3.4.2, §3.4.3). */
import type { ListQuery } from '../../bridge/requests/use-cases.ts';
import type { Asked } from '../../mapping/project.ts';
import type { Json } from './body.ts';
import { parseFilter } from '../filter/parser.ts';
import { invalid } from './refusals.ts';

const DEFAULT_COUNT = 100;
export const MAX_COUNT = 1000;

/** Most names in `attributes` or `excludedAttributes`: twice as many as the schemas have. */
const MAX_NAMES = 200;
/** Longest `sortBy`, in characters: a path with its URN is shorter. */
const MAX_PATH = 500;

/** Parameters by lower-case name, as written: RFC 7644 does not say whether their case counts, clients differ. */
export type Parameters = ReadonlyMap<string, unknown>;

/** Parameters of a URL; of a repeated one all values, joined as one list by a comma. */
export function urlParameters(url: string): Parameters {
  const start = url.indexOf('?');
  const out = new Map<string, string>();
  if (start < 0) return out;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const key = name.toLowerCase();
    const before = out.get(key);
    out.set(key, before === undefined ? value : `${before},${value}`);
  }
  return out;
}

/** Parameters of a SearchRequest body (RFC 7644 §3.4.3). */
export function bodyParameters(body: Json): Parameters {
  return new Map(Object.entries(body).map(([name, value]) => [name.toLowerCase(), value]));
}

/** What a list is asked for. Throws 400 invalidFilter or invalidValue. A count beyond 1,000 is 1,000, below 0 is 0; startIndex below 1 is 1. */
export function listQuery(parameters: Parameters): ListQuery {
  const filter = text(parameters, 'filter');
  const sortBy = text(parameters, 'sortBy');
  if (sortBy !== undefined && sortBy.length > MAX_PATH) throw invalid(`sortBy is longer than ${MAX_PATH} characters`);
  return {
    ...(filter !== undefined && { filter: parseFilter(filter) }),
    ...(sortBy !== undefined && { sortBy, sortOrder: sortOrder(parameters) }),
    startIndex: Math.max(1, integer(parameters, 'startIndex') ?? 1),
    count: Math.min(MAX_COUNT, Math.max(0, integer(parameters, 'count') ?? DEFAULT_COUNT)),
  };
}

/** Which attributes the answer is to show (RFC 7644 §3.9). Throws 400 invalidValue. */
export function asked(parameters: Parameters): Asked {
  return { attributes: names(parameters, 'attributes'), excludedAttributes: names(parameters, 'excludedAttributes') };
}

function sortOrder(parameters: Parameters): 'ascending' | 'descending' {
  const order = text(parameters, 'sortOrder')?.toLowerCase() ?? 'ascending';
  if (order !== 'ascending' && order !== 'descending') throw invalid('sortOrder must be "ascending" or "descending"');
  return order;
}

function integer(parameters: Parameters, name: string): number | undefined {
  const value = parameters.get(name.toLowerCase()) ?? undefined;
  if (value === undefined) return undefined;
  const digits = typeof value === 'number' ? String(value) : value;
  if (typeof digits !== 'string' || !/^\s*[+-]?\d+\s*$/.test(digits)) throw invalid(`${name} must be an integer`);
  return Math.min(Number.MAX_SAFE_INTEGER, Number(digits));
}

function text(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name.toLowerCase()) ?? undefined;
  if (value !== undefined && typeof value !== 'string') throw invalid(`${name} must be a string`);
  return value;
}

function names(parameters: Parameters, name: string): string | readonly string[] | undefined {
  const value = parameters.get(name.toLowerCase()) ?? undefined;
  if (value === undefined) return value;
  const lists: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (lists.length > MAX_NAMES) throw invalid(`${name} holds more than ${MAX_NAMES} names`);
  if (!lists.every((each) => typeof each === 'string')) throw invalid(`${name} must be a list of attribute names`);
  let count = lists.length;
  for (const list of lists)
    for (let comma = list.indexOf(','); comma >= 0 && count <= MAX_NAMES; comma = list.indexOf(',', comma + 1))
      count += 1;
  if (count > MAX_NAMES) throw invalid(`${name} holds more than ${MAX_NAMES} names`);
  return typeof value === 'string' ? value : lists;
}

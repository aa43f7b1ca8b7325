/** Random filters against random users: bytes, token soup, and valid filters whose outcome the evaluator in filter-oracle.ts knows. */

import assert from 'node:assert/strict';
import { BridgeError } from '../../src/errors.ts';
import { compileFilter, type FilterNode } from '../../src/mapping/filter.ts';
import { parseFilter } from '../../src/scim/filter/parser.ts';
import { expects, randomSpec, randomUser, write, type Json } from './filter-oracle.ts';
import { chance, int, mulberry32, pick, type Random } from './random.ts';
import { ENTERPRISE, SCHEMA } from './test-schema.ts';

/**
 * Milliseconds that no case may take: hundreds of times what one does, so that a slow machine is not taken for a slow filter. What
 * grows without bound passes it all the same. A slow case is run again.
 */
const LIMIT = 1_000;

/** Runs that many cases from a seed; throws on the first one that breaks a law, its text in the message. */
export function fuzzFilters(
  cases: number,
  seed: number,
): { cases: number; matched: number; refused: number; slowest: number } {
  const random = mulberry32(seed);
  const result = { cases: 0, matched: 0, refused: 0, slowest: 0 };
  for (; result.cases < cases; result.cases++) {
    const user = randomUser(random);
    const spec = chance(random, 0.5) ? randomSpec(random) : undefined;
    const text = spec ? write(random, spec) : chance(random, 0.5) ? soup(random) : noise(random);
    const wanted = spec && expects(spec, user);
    const broken = damaged(random, text);
    try {
      const { matched, took } = timed(() => outcome(text, user));
      if (spec) assert.equal(matched, wanted, 'the matcher and the evaluator disagree');
      if (matched === undefined) result.refused++;
      if (matched === true) result.matched++;
      result.slowest = Math.max(result.slowest, took);
      assert.ok(took < LIMIT, `took ${took} ms`);
      outcome(broken, user);
    } catch (cause) {
      const shown = JSON.stringify({
        seed,
        case: result.cases,
        text: text.slice(0, 2_000),
        broken: broken.slice(0, 2_000),
        user,
      });
      throw new Error(`${String(cause)}\n${shown}`, { cause });
    }
  }
  return result;
}

/** What the product says: true or false, undefined for a refusal. Any other error goes through. */
function outcome(text: string, user: Json): boolean | undefined {
  const tree = unlessRefused(() => parseFilter(text));
  if (!tree) return undefined;
  assert.equal(JSON.stringify(parseFilter(print(tree))), JSON.stringify(tree), 'the printed form means something else');
  const match = unlessRefused(() => compileFilter(tree, SCHEMA));
  const matched = match?.(user);
  assert.equal(typeof matched, match ? 'boolean' : 'undefined');
  return matched;
}

function unlessRefused<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof BridgeError && error.status === 400 && error.scimType === 'invalidFilter') return undefined;
    throw error;
  }
}

function timed(run: () => boolean | undefined): { matched: boolean | undefined; took: number } {
  let took = Number.POSITIVE_INFINITY;
  let matched: boolean | undefined;
  for (let tries = 0; tries < 5 && took >= LIMIT; tries++) {
    const start = performance.now();
    matched = run();
    took = Math.min(took, performance.now() - start);
  }
  return { matched, took };
}

/** A tree as text, with no more parentheses than it needs. */
function print(node: FilterNode): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes
        .map((part) => (part.kind === 'or' || part.kind === node.kind ? `(${print(part)})` : print(part)))
        .join(` ${node.kind} `);
    case 'not':
      return `not (${print(node.node)})`;
    case 'compare':
      return `${node.path} ${node.op} ${node.written ?? JSON.stringify(node.value)}`;
    case 'present':
      return `${node.path} pr`;
    case 'valuePath':
      return `${node.path}[${print(node.filter)}]`;
  }
}

// biome-ignore format: a heap of words
const SOUP = ['(', ')', '[', ']', '].', 'and', 'or', 'not', 'not (', 'eq', 'NE', 'co', 'gt', 'pr', 'true', 'null', '"', '"a"', '"\\"', '\\', '5', '-', '1e999', '.', ':', ',', 'emails', 'emails[', 'type', 'value', 'userName', 'userName eq "a"', 'active', 'name.givenName', '__proto__', 'constructor', `${ENTERPRISE}:manager`, 'urn:', '\u0000', 'é'];

function soup(random: Random): string {
  const length = chance(random, 0.002) ? 3_000 : int(random, 14);
  const one = pick(random, SOUP);
  const same = chance(random, 0.05);
  const space = chance(random, 0.9) ? ' ' : '';
  return Array.from({ length }, () => (same ? one : pick(random, SOUP))).join(space);
}

function noise(random: Random): string {
  const length = chance(random, 0.002) ? 12_000 : int(random, 60);
  const top = pick(random, [128, 256, 65_536]);
  return String.fromCharCode(...Array.from({ length }, () => int(random, top)));
}

/** A valid text with one character taken out, put in or changed. */
function damaged(random: Random, text: string): string {
  const at = int(random, text.length);
  return text.slice(0, at) + pick(random, ['', '"', ')', ']', '\\', 'x', ' ']) + text.slice(at + int(random, 2));
}

/** What a run came to, in words. */
import type { GroupWish } from './groups/lives.ts';
import type { Verdict } from './clients.ts';
import type { Wish } from './lives.ts';
import type { ViolationKind } from './oracle.ts';

const KINDS: readonly ViolationKind[] = ['lost', 'wrong', 'twin', 'revived', 'refused', 'unasked'];
const ENDS = ['answered', 'unanswered', 'refused'] as const;

/** Longer lists help nobody. */
const MOST = 20;

/** Counts of a run's own, with a heading. */
export interface Counted {
  readonly what: string;
  readonly counts: ReadonlyMap<string, number>;
}

export interface Told extends Verdict {
  readonly rounds: number;
  readonly faults: readonly string[];
}

export function reportOf(told: Told, { what, counts }: Counted): string {
  const { rounds, lives, groups, writes, memberships, holders, ...found } = told;
  const wishes = lives.flatMap((life) => life.wishes);
  const groupWishes = groups.flatMap((group) => group.wishes);
  const kinds = [...Map.groupBy(wishes, kindOf), ...Map.groupBy(groupWishes, groupKindOf)];
  const count = (kind: ViolationKind): number => found.violations.filter((each) => each.kind === kind).length;
  return [
    `${rounds} kills, ${lives.length} users, ${groups.length} groups, ${wishes.length + groupWishes.length} requests, ${writes} writes at ZITADEL`,
    ...kinds
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, all]: readonly [string, readonly Pick<Wish, 'end'>[]]) => {
        const ends = ENDS.map((end) => `${all.filter((wish) => wish.end === end).length} ${end}`);
        return `  ${kind}: ${ends.join(', ')}`;
      }),
    `in the end: ${memberships} memberships, ${holders} users who hold what a rule gives`,
    `${what}:`,
    ...[...counts].map(([each, n]) => `  ${each}: ${n}`),
    KINDS.map((kind) => `${count(kind)} ${kind}`).join(', '),
    ...found.violations
      .slice(0, MOST)
      .map(({ kind, birth, ids, detail }) => `  ${kind}: ${birth} (${ids.join(', ')}): ${detail}`),
    ...found.faults.slice(0, MOST).map((fault) => `  ${fault}`),
  ].join('\n');
}

/** The kinds of the load: which of its edits are PUTs, renames and so on can be told from what they carry. */
function kindOf({ kind, values }: Wish): string {
  if (kind !== 'edit') return kind;
  if ('userName' in values) return 'active' in values ? 'put' : 'rename';
  return 'active' in values ? 'activate, deactivate' : 'patch';
}

function groupKindOf({ kind, name, joins, whole }: GroupWish): string {
  if (kind !== 'edit') return `group: ${kind}`;
  if (whole) return 'group: replace';
  if (name === undefined) return 'group: members';
  return Object.keys(joins).length > 0 ? 'group: rename and members' : 'group: rename';
}

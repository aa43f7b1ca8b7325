/** What a run came to, in words. */
import type { Wish } from './lives.ts';
import type { Outcome } from './run.ts';
import type { ViolationKind } from './oracle.ts';

const KINDS: readonly ViolationKind[] = ['lost', 'wrong', 'twin', 'revived', 'refused', 'unasked'];
const ENDS = ['answered', 'unanswered', 'refused'] as const;

/** Longer lists help nobody. */
const MOST = 20;

export function reportOf({ rounds, lives, windows, writes, violations, faults }: Outcome): string {
  const wishes = lives.flatMap((life) => life.wishes);
  const kinds = Map.groupBy(wishes, kindOf);
  const count = (kind: ViolationKind): number => violations.filter((each) => each.kind === kind).length;
  return [
    `${rounds} kills, ${lives.length} users, ${wishes.length} requests, ${writes} writes at ZITADEL`,
    ...[...kinds]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([kind, all]) => {
        const ends = ENDS.map((end) => `${all.filter((wish) => wish.end === end).length} ${end}`);
        return `  ${kind}: ${ends.join(', ')}`;
      }),
    'users hit in each window:',
    ...[...windows].map(([window, n]) => `  ${window}: ${n}`),
    KINDS.map((kind) => `${count(kind)} ${kind}`).join(', '),
    ...violations
      .slice(0, MOST)
      .map(({ kind, birth, ids, detail }) => `  ${kind}: ${birth} (${ids.join(', ')}): ${detail}`),
    ...faults.slice(0, MOST).map((fault) => `  ${fault}`),
  ].join('\n');
}

/** The kinds of the load: which of its edits are PUTs, renames and so on can be told from what they carry. */
function kindOf({ kind, values }: Wish): string {
  if (kind !== 'edit') return kind;
  if ('userName' in values) return 'active' in values ? 'put' : 'rename';
  return 'active' in values ? 'activate, deactivate' : 'patch';
}

import type { ScanLine } from '../requests/scan-queue.ts';
import type { Replays } from '../requests/replay.ts';
import type { SubmitContext } from '../requests/submit.ts';
import type { DeletionContext } from './deletions.ts';
import type { Directory } from './directory.ts';
import type { GroupLocks } from './group-locks.ts';
import type { GroupViews } from './group-views.ts';
import type { MembershipContext } from './membership-changes.ts';
import type { RuleEvaluation } from './rule-evaluation.ts';

/** The context of a tenant's group requests, built once. */
export interface GroupContext {
  /** for definitions: the rows of groups */
  readonly groups: SubmitContext;
  /** for memberships: the rows of users */
  readonly members: MembershipContext;
  readonly directory: Directory;
  readonly rules: RuleEvaluation;
  readonly deletions: DeletionContext;
  readonly views: GroupViews;
  readonly locks: GroupLocks;
  readonly replays: Replays;
  /** scans of the tenant */
  readonly scans: ScanLine;
  /** unknown ids are refused; otherwise they are kept as unresolved members */
  readonly strictMembers: boolean;
}

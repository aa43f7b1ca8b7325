/** THE VERBS TABLE: every operator's command. The socket, the command line and docs/commands.md walk it. */
import { CONDITION_NAMES } from '../store/conditions.ts';
import { doctor } from './doctor.ts';
import { apply, explain, plan } from './groups.ts';
import { list, show } from './queue.ts';
import { working } from './queue-work.ts';
import { syncing } from './sync.ts';
import type { Verb } from './verb.ts';

/** What is on hold has a command of its own, release; a hidden user has nothing to retry. */
const RETRIED = CONDITION_NAMES.filter((condition) => condition !== 'onHold' && condition !== 'hidden');

/** Milliseconds between two progress lines of a sync. */
const PROGRESS = 1_000;

// biome-ignore format: one row is one fact
export const VERBS: readonly Verb[] = [
  { name: 'queue list', about: 'list users and groups that are not settled: condition, age, attempts, reason', takes: ['kind', 'tenant', 'limit'], run: list },
  { name: 'queue show', about: 'show one user or group: requested changes, who requested them, the last error, and what ZITADEL has now', takes: ['id', 'tenant'], on: 'id', run: show },
  { name: 'queue retry', about: 'requeue dead letters and try pending changes now', takes: ['id', 'all', 'kind', 'tenant'], on: 'id or all', kinds: RETRIED, run: working((operator, id) => operator.retry(id), RETRIED) },
  { name: 'queue drop', about: 'discard dead letters and changes on hold', takes: ['id', 'all', 'kind', 'tenant'], on: 'id or all', kinds: ['deadLetter', 'onHold'], kindWithAll: true, run: working((operator, id) => operator.drop(id), [], ['deadLetter', 'onHold']) },
  { name: 'queue release', about: 'send changes that are on hold', takes: ['id', 'all', 'tenant'], on: 'id or all', run: working((operator, id) => operator.release(id), ['onHold']) },
  { name: 'user recreate', about: 'delete a hidden user (ZITADEL no longer shows it) and create it again under a new id, which is printed; prefer rebuilding the projection where you can', takes: ['id', 'tenant'], on: 'user', run: working((operator, id) => operator.recreate(id), []) },
  { name: 'groups explain', about: 'explain the rights of one user: which group grants which, and what is managed, pending or a dead letter', takes: ['id', 'tenant'], on: 'user', run: explain },
  { name: 'groups plan', about: 'show what `groups apply` would grant and revoke, user by user; changes nothing', takes: ['tenant'], run: plan },
  { name: 'groups apply', about: 'put the rules of bridge.yaml in force and trust the existing groups; resumes an interrupted run', takes: ['tenant'], run: apply },
  { name: 'doctor', about: 'check everything the bridge needs; one line per check, with advice', takes: [], run: doctor },
  { name: 'sync', about: 'sync with ZITADEL now', takes: ['acceptRemovals', 'tenant'], run: syncing(PROGRESS) },
];

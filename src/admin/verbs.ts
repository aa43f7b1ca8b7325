/** THE VERBS TABLE: every operator's command. The socket, the command line and docs/commands.md walk it. */
import { TROUBLES } from './arguments.ts';
import { doctor } from './doctor.ts';
import { apply, explain, plan } from './groups.ts';
import { list, show } from './queue.ts';
import { working } from './queue-work.ts';
import { syncing } from './sync.ts';
import type { Verb } from './verb.ts';

/** A held row waits for a word of its own: release. For a hidden one there is nothing to try again. */
const RETRIED = TROUBLES.filter((condition) => condition !== 'held' && condition !== 'hidden');

/** Between two lines about how far a sync is, ms. */
const PROGRESS = 1_000;

// biome-ignore format: one row is one fact
export const VERBS: readonly Verb[] = [
  { name: 'queue list', about: 'users and groups with changes that are not settled: trouble, age, attempts, reason', takes: ['kind', 'tenant', 'limit'], run: list },
  { name: 'queue show', about: 'one user or group: what is asked, by whom, what went wrong, and what ZITADEL has now', takes: ['id', 'tenant'], on: 'id', run: show },
  { name: 'queue retry', about: 'dead letters are owed again, and what waits is tried now', takes: ['id', 'all', 'kind', 'tenant'], on: 'id or all', kinds: RETRIED, run: working((operator, id) => operator.retry(id), RETRIED) },
  { name: 'queue drop', about: 'dead letters and held changes are forgotten', takes: ['id', 'all', 'kind', 'tenant'], on: 'id or all', kinds: ['dead', 'held'], kindWithAll: true, run: working((operator, id) => operator.drop(id), [], ['dead', 'held']) },
  { name: 'queue release', about: 'held changes are sent', takes: ['id', 'all', 'tenant'], on: 'id or all', run: working((operator, id) => operator.release(id), ['held']) },
  { name: 'user recreate', about: 'a user that the reads of ZITADEL have lost (hidden): deletes it and creates it again under a new id, which is told; better rebuild the projection, where you can', takes: ['id', 'tenant'], on: 'user', run: working((operator, id) => operator.recreate(id), []) },
  { name: 'groups explain', about: 'one user: which group gives which right, what is managed, owed, pending or dead', takes: ['id', 'tenant'], on: 'user', run: explain },
  { name: 'groups plan', about: 'what `groups apply` would give and take, user by user; changes nothing', takes: ['tenant'], run: plan },
  { name: 'groups apply', about: 'puts the rules of bridge.yaml in force and confirms the groups that are there; goes on where a cut-off one stopped', takes: ['tenant'], run: apply },
  { name: 'doctor', about: 'looks at everything the bridge needs; one line each, with what to do', takes: [], run: doctor },
  { name: 'sync', about: 'compares the users with those of ZITADEL now', takes: ['acceptRemovals', 'tenant'], run: syncing(PROGRESS) },
];

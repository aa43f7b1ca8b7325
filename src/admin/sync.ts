/** sync: compares the rows with ZITADEL now. */
import { BridgeError } from '../errors.ts';
import type { SyncEvent } from '../bridge/tenant.ts';
import type { Asker, Verb } from './verb.ts';
import { type Chosen, chosen } from './tenants.ts';
import { count, plain } from './text.ts';

interface Told {
  readonly line: string;
  readonly mend: boolean;
}

/** Syncs the tenants one after another. `every`: ms between two progress checks. */
export function syncing(every: number): Verb['run'] {
  return async (desk, args, { progress, signal }) => {
    const options = { acceptRemovals: args.acceptRemovals === true };
    const told: (readonly [tenant: string, told: Told, event: SyncEvent])[] = [];
    for (const each of chosen(desk, args)) {
      if (signal.aborted) break;
      const stop = watch(each, every, progress);
      try {
        const event = await each[1].sync(options).catch(failure);
        told.push([each[0], tell(event), event]);
      } finally {
        stop();
      }
    }
    return {
      lines: told.map(([tenant, { line }]) => `${tenant}: ${line}`),
      value: Object.fromEntries(told.map(([tenant, , event]) => [tenant, event])),
      exit: told.some(([, { mend }]) => mend) ? 1 : 0,
    };
  };
}

/** A failing tenant must not prevent the others' syncs. */
function failure(error: unknown): SyncEvent {
  if (error instanceof BridgeError) return { kind: 'failed', reason: error.message };
  throw error;
}

function tell(event: SyncEvent): Told {
  switch (event.kind) {
    case 'finished': {
      const removed = event.removed > 0 ? `, ${event.removed} removed` : '';
      const line = `${count(event.users, 'user')} read, ${event.changed} new or changed${removed}, in ${event.ms} ms`;
      if (event.kept + event.keptKeys === 0) return { line, mend: false };
      const many = [
        ...(event.kept > 0
          ? [`${count(event.kept, 'user')} missing in ZITADEL, too many to remove automatically`]
          : []),
        ...(event.keptKeys > 0
          ? [`${count(event.keptKeys, 'user')} in unknown groups, too many to remove automatically`]
          : []),
      ].join('; ');
      return { line: `${line}; ${many}: when they are truly gone, run sync --accept-removals`, mend: true };
    }
    case 'failed':
      return { line: `failed: ${plain(event.reason)}`, mend: true };
    case 'skipped':
      return { line: `the user ${event.id} could not be imported: see the log`, mend: true };
    case 'progress':
      return { line: `${count(event.users, 'user')} read so far`, mend: false };
  }
}

/** Reports a sync's progress until it is stopped. */
function watch([tenant, operator]: Chosen, every: number, progress: Asker['progress']): () => void {
  let users = 0;
  const look = async (): Promise<void> => {
    const { last } = (await operator.state()).sync;
    if (last?.kind !== 'progress' || last.users <= users) return;
    users = last.users;
    await progress(`${tenant}: ${tell(last).line}`);
  };
  const timer = setInterval(() => void look().catch(() => undefined), every);
  return () => clearInterval(timer);
}

import type { Clock } from '../bridge/ports/context.ts';
import type { Key } from '../bridge/row/types.ts';
import type { Delivery } from '../bridge/delivery/context.ts';
import type { SyncEvent } from '../bridge/tenant.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { RequestLine } from '../scim/http/request-log.ts';
import type { Loss } from '../store/loss.ts';

export function reportRequest(
  { duration: ms, route = 'none', crash, ignored, ...line }: RequestLine,
  log: Log,
  metrics: Metrics,
): void {
  log.request({ ...line, route, ms, ...(ignored.length > 0 && { ignored }) });
  metrics.request(line.method, route, line.status, ms);
  for (const attribute of ignored) metrics.ignored(attribute);
  if (crash !== undefined)
    log.system('error', 'a request failed with an unexpected error', { txn: line.txn, error: crash });
}

export function reportDelivery(
  { tenant, id, txns, who, calls, outcome, reason, ms, attempts, orphans, dead }: Delivery,
  log: Log,
  metrics: Metrics,
): void {
  metrics.delivery(tenant, outcome);
  const [txn = 'none', ...more] = txns;
  const others = more.length === 0 ? {} : { txns: more };
  log.delivery({ txn, ...others, tenant, who, id, steps: calls, outcome, ms, attempts, reason });
  if (dead > 0)
    log.system('error', 'ZITADEL refused an acknowledged change: see `scim-bridge queue list --kind dead-letter`', {
      tenant,
      id,
      count: dead,
    });
  if (orphans > 0)
    log.system('warn', 'ZITADEL refused a change whose request was cut off: it is discarded', {
      tenant,
      id,
      count: orphans,
    });
}

/** The store's data is gone, or back again (undefined). */
export function reportLoss(loss: Loss | undefined, log: Log): void {
  if (loss === undefined) log.system('info', 'the contents of the store are available again');
  else
    log.system('error', 'the contents of the store are missing: requests are answered 503', { setting: loss.reason });
}

/** The stored row of a user or group cannot be read. The tenant of a group ends with `:groups`. */
export function reportDamaged({ tenant, id }: Key, log: Log): void {
  log.system('error', 'a record of the store cannot be read and is left out: see `scim-bridge doctor`', { tenant, id });
}

/** Rules that grant nothing, by their 0-based position in the set. */
export function reportRules(tenant: string, off: ReadonlyMap<number, string>, differs: boolean, log: Log): void {
  for (const [place, why] of off)
    log.system('warn', 'a group rule is off: it neither grants nor revokes', { tenant, rule: place + 1, setting: why });
  if (differs)
    log.system(
      'warn',
      'the group rules in force are not those of bridge.yaml: `scim-bridge groups apply` changes that',
      {
        tenant,
      },
    );
}

export function reportSync(tenant: string, event: SyncEvent, log: Log, metrics: Metrics, clock: Clock): void {
  switch (event.kind) {
    case 'progress':
      metrics.sync({ tenant, seen: event.users, changed: event.changed });
      log.system('info', 'sync: users read', { tenant, count: event.users, rows: event.changed });
      return;
    case 'finished':
      metrics.sync({ tenant, seen: event.users, changed: event.changed, finished: clock() });
      log.system('info', 'sync finished', { tenant, count: event.users, rows: event.changed, ms: event.ms });
      if (event.kept > 0)
        log.system('warn', 'sync: too many users are missing in ZITADEL at once; none was removed', {
          tenant,
          count: event.kept,
        });
      if (event.hidden > 0)
        log.system(
          'warn',
          'sync: ZITADEL does not show users that its commands know: see `scim-bridge queue list --kind hidden`',
          {
            tenant,
            count: event.hidden,
          },
        );
      if (event.keptKeys > 0)
        log.system('warn', 'sync: too many users are in unknown groups; none was removed', {
          tenant,
          count: event.keptKeys,
        });
      return;
    case 'skipped':
      log.system('error', 'sync: a user could not be imported; the others were', {
        tenant,
        id: event.id,
        error: event.error,
      });
      return;
    case 'failed':
      log.system('warn', 'sync failed; it is retried', { tenant, reason: event.reason });
  }
}

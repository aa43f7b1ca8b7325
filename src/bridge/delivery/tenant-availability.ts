/** Whether calls are sent for a tenant: not while ZITADEL is unreachable, limits the rate, or refuses the token. */
import type { Peers } from '../ports/peers.ts';
import type { Clock } from '../ports/context.ts';
import type { Unreadable, Zitadel } from '../ports/zitadel.ts';
import { LONGEST_PAUSE } from '../row/next-attempt.ts';
import { BLOCKED_AGAIN, retryAfterOf } from './waiters.ts';
import type { Timing } from '../timing.ts';

export interface Unavailable {
  readonly kind: 'unreachable' | 'rateLimited' | 'suspended';
  readonly reason: string;
  readonly since: number;
  /** seconds after which to retry */
  readonly retryAfter: number;
}

export interface TenantAvailability {
  /** Why no calls are sent; undefined: calls are sent. */
  unavailable(): Unavailable | undefined;
  /** ZITADEL limited this tenant's rate: pause for this many ms. */
  rateLimited(ms: number, reason: string): void;
  /**
   * A call was not permitted. True: the token has no permissions at all; deliveries are suspended until that changes.
   * False: only that call is not permitted. Otherwise ZITADEL could not be asked.
   */
  checkToken(): Promise<boolean | Unreadable>;
  /** A call got no answer: checks whether ZITADEL is unreachable, and when it is back. */
  unanswered(): void;
  /** A row of the tenant was delivered. */
  succeeded(id: string): void;
  /** Whether another row than this one was delivered since. */
  othersSucceeded(id: string, since: number): boolean;
  stop(): void;
}

export interface TenantAvailabilityOptions {
  readonly zitadel: Zitadel;
  readonly clock: Clock;
  readonly timing: Timing;
  readonly tenant: string;
  /** other processes pause as well */
  readonly peers: Peers;
  /** calls are sent again (not called for a breaker that closes: it notifies by itself) */
  readonly onAvailable: () => void;
}

/** A pause, as sent to other processes. */
interface Pause {
  readonly tenant: string;
  readonly ms: number;
  readonly reason: string;
}

const TOPIC = 'limited';

/**
 * What one row's outcome means for the whole tenant: a 429 pauses it for as long as ZITADEL asked, else for `pauseMs`;
 * after a missing answer, ZITADEL is probed until it is back.
 */
export function noteUnavailable(availability: TenantAvailability, why: Unreadable, pauseMs: number): void {
  if (why.kind !== 'retry') return;
  if (why.cause === 'limited') availability.rateLimited(retryAfterOf(why) * 1000 || pauseMs, why.reason);
  if (why.cause === 'away') availability.unanswered();
}

export function createTenantAvailability({
  tenant,
  zitadel,
  peers,
  clock,
  timing,
  onAvailable,
}: TenantAvailabilityOptions): TenantAvailability {
  let limited: { readonly until: number; readonly reason: string; readonly since: number } | undefined;
  let barred: { readonly reason: string; readonly since: number } | undefined;
  let awaySince: number | undefined;
  let limitTimer: NodeJS.Timeout | undefined;
  let barredTimer: NodeJS.Timeout | undefined;
  let listening: NodeJS.Timeout | undefined;
  let stopped = false;
  /** when each of the last two distinct rows was delivered */
  let delivered: readonly { readonly id: string; readonly at: number }[] = [];

  /** Checks the token's permissions until they are restored. */
  function lookAgain(): void {
    if (stopped) return;
    barredTimer = setTimeout(() => void look(), timing.tokenCheckMs);
    barredTimer.unref();
  }

  async function look(): Promise<void> {
    const standing = await zitadel.standing();
    if (stopped) return;
    if (standing.kind === 'able') {
      barred = undefined;
      onAvailable();
      return;
    }
    if (standing.kind === 'barred') barred = { reason: standing.reason, since: barred?.since ?? clock() };
    lookAgain();
  }

  /** One failing row does not open the breaker, so nothing else would notice when ZITADEL is back. */
  async function listen(wasAway: boolean): Promise<void> {
    const isAway = zitadel.away() !== undefined || (await zitadel.standing()).kind === 'retry';
    if (stopped) return;
    if (isAway) listening = setTimeout(() => void listen(true), timing.probeMs).unref();
    else {
      listening = undefined;
      if (wasAway) onAvailable();
    }
  }

  function pause(ms: number, reason: string): void {
    const now = clock();
    const until = now + Math.min(ms, LONGEST_PAUSE);
    limited = { until: Math.max(limited?.until ?? 0, until), reason, since: limited?.since ?? now };
    clearTimeout(limitTimer);
    if (stopped) return;
    limitTimer = setTimeout(() => {
      limited = undefined;
      onAvailable();
    }, limited.until - now);
    limitTimer.unref();
  }

  peers.listen(TOPIC, (body) => {
    const told = body as Pause;
    if (told.tenant === tenant) pause(told.ms, told.reason);
  });

  return {
    unanswered() {
      if (!stopped) listening ??= setTimeout(() => void listen(false), timing.probeMs).unref();
    },
    unavailable() {
      const now = clock();
      const away = zitadel.away();
      awaySince = away === undefined ? undefined : (awaySince ?? now);
      if (barred !== undefined) return { kind: 'suspended', ...barred, retryAfter: BLOCKED_AGAIN };
      if (away !== undefined) return { kind: 'unreachable', reason: away, since: awaySince ?? now, retryAfter: 5 };
      if (limited === undefined || limited.until <= now) return undefined;
      const { until, reason, since } = limited;
      return { kind: 'rateLimited', reason, since, retryAfter: Math.ceil((until - now) / 1000) };
    },
    rateLimited(ms, reason) {
      pause(ms, reason);
      peers.tell({ topic: TOPIC, body: { tenant, ms, reason } satisfies Pause });
    },
    async checkToken() {
      const standing = await zitadel.standing();
      if (standing.kind === 'able') return false;
      if (standing.kind !== 'barred') return standing;
      if (barred === undefined) lookAgain();
      barred = { reason: standing.reason, since: barred?.since ?? clock() };
      return true;
    },
    succeeded(id) {
      delivered = [{ id, at: clock() }, ...delivered.filter((each) => each.id !== id)].slice(0, 2);
    },
    othersSucceeded: (id, since) => delivered.some((each) => each.id !== id && each.at >= since),
    stop() {
      stopped = true;
      clearTimeout(limitTimer);
      clearTimeout(barredTimer);
      clearTimeout(listening);
    },
  };
}

import type { Standing } from '../bridge/ports/zitadel.ts';
import type { Breaker } from './breaker.ts';
import type { Result } from './caller.ts';
import { unreadable } from './outcome.ts';

/** Without these nothing can be delivered or read back. */
const NEEDED = ['user.read', 'user.write'];

export interface StandingOptions {
  /** the permissions of the token in its organization */
  readonly permissions: () => Promise<Result<readonly string[]>>;
  readonly organization: string;
  readonly breaker: Pick<Breaker, 'open'>;
  /** how long an answer is cached, in ms, at most until a call is refused */
  readonly maxAge: number;
}

export interface StandingAsker {
  standing(): Promise<Standing>;
  /** A call was refused: earlier answers are outdated. */
  doubt(): void;
}

export function createStanding({ permissions, organization, breaker, maxAge }: StandingOptions): StandingAsker {
  /** the last answer, and when it was asked for (performance.now) */
  let kept: { readonly standing: Standing; readonly asked: number } | undefined;
  let flight: { readonly answer: Promise<Standing>; doubted: boolean } | undefined;

  function ask(): Promise<Standing> {
    const mine = { answer: answer(), doubted: false };
    flight = mine;
    return mine.answer;

    async function answer(): Promise<Standing> {
      const asked = performance.now();
      try {
        const standing = judge(await permissions(), organization);
        if (standing.kind === 'barred' || (standing.kind === 'able' && !mine.doubted)) kept = { standing, asked };
        return standing;
      } finally {
        flight = undefined;
      }
    }
  }

  return {
    async standing() {
      for (;;) {
        // in an outage nobody knows, whatever was known before
        const cached = breaker.open() === undefined ? kept : undefined;
        if (cached !== undefined && performance.now() - cached.asked < maxAge) return cached.standing;
        if (flight === undefined) return await ask();
        if (!flight.doubted) return await flight.answer;
        await flight.answer;
      }
    },
    doubt() {
      if (kept?.standing.kind === 'able') kept = undefined;
      if (flight !== undefined) flight.doubted = true;
    },
  };
}

function judge(result: Result<readonly string[]>, organization: string): Standing {
  if (result.kind === 'stopped') throw new Error('a read is never stopped');
  if (result.kind === 'failed') {
    const why = unreadable(result.failure);
    return why.kind === 'blocked' ? { kind: 'barred', reason: why.reason } : why;
  }
  const missing = NEEDED.filter((each) => !result.value.includes(each));
  if (missing.length === 0) return { kind: 'able' };
  const who =
    result.value.length === 0 ? 'the service user has no role in' : `the service user lacks ${missing.join(', ')} in`;
  return { kind: 'barred', reason: `${who} organization ${organization}: give it the role ORG_USER_MANAGER there` };
}

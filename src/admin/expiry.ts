/** Credentials that expire. */
import type { Level } from './findings.ts';
import { when } from './text.ts';

/** Enough time to create a new one, ms. */
const SOON = 14 * 24 * 3_600_000;
/** ZITADEL uses the year 9999 for a token without expiry; ms. */
const NEVER = 100 * 365 * 24 * 3_600_000;

export interface Ending {
  readonly level: Level;
  readonly finding: string;
}

/** The worst of them: fail if one has expired, warn if one expires within 14 days. `fine`: the text if none does. */
export function expiries(
  credentials: readonly { readonly name: string; readonly expires?: number | undefined }[],
  now: number,
  fine: string,
): Ending {
  const ends = credentials.flatMap(({ name, expires }) =>
    expires !== undefined && expires <= now + SOON ? [{ name, expires }] : [],
  );
  if (ends.length === 0) {
    const endTimes = credentials.flatMap(({ expires }) =>
      expires !== undefined && expires < now + NEVER ? expires : [],
    );
    return {
      level: 'ok',
      finding: endTimes.length === 0 ? fine : `the first ends ${when(Math.min(...endTimes), now)}`,
    };
  }
  return {
    level: ends.some(({ expires }) => expires <= now) ? 'fail' : 'warn',
    finding: ends
      .map(({ name, expires }) => `${name} ${expires <= now ? 'ended' : 'ends'} ${when(expires, now)}`)
      .join(', '),
  };
}

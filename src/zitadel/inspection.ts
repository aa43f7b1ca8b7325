import type { Inspection } from '../bridge/ports/zitadel.ts';
import { explain, meaning } from './error-table.ts';
import type { Account } from './account.ts';
import type { Result } from './caller.ts';
import type { Failure } from './decode.ts';
import { outcomeOf } from './outcome.ts';
import type { Credential } from './token.ts';

export interface InspectOptions {
  readonly account: Account;
  readonly credential: Credential;
  readonly url: string;
  /** ms since 1970 */
  readonly clock: () => number;
}

/** For an operator, who needs an answer now even if the breaker is open. */
const NOW = { urgent: true } as const;

const NOTHING: Pick<Inspection, 'permissions' | 'sees'> = {
  permissions: [],
  sees: { instanceRoles: false, organizationRoles: false },
};

export function createInspect({ account, credential, url, clock }: InspectOptions): () => Promise<Inspection> {
  return async () => {
    const problems = new Set<string>();
    /** The value, or undefined plus a problem line. */
    function told<T>(result: Result<T>): T | undefined {
      if (result.kind === 'ok') return result.value;
      if (result.kind === 'failed') problems.add(explained(result.failure, url).replaceAll(/\s+/g, ' '));
      return undefined;
    }

    let clockSkew: number | undefined;
    const from = clock();
    const first = await account.user(NOW, (date) => {
      clockSkew = skew(date, from, clock());
    });
    const user = told(first);
    // if there is no answer, every other call would only wait just as long
    if (first.kind === 'failed' && first.failure.cause === 'away') return { ...NOTHING, problems: [...problems] };

    const [permissions, organization, expires] = await Promise.all([
      account.permissions(NOW),
      account.organization(NOW),
      endOf(credential, user?.id),
    ]);
    const held = told(permissions) ?? [];
    const found = told(organization);
    return {
      ...(user === undefined ? {} : { user }),
      ...(found === undefined ? {} : { organization: found }),
      permissions: held,
      ...(clockSkew === undefined ? {} : { clockSkew }),
      sees: {
        instanceRoles: held.includes('iam.member.read'),
        organizationRoles: held.includes('org.member.read'),
      },
      ...(expires === undefined ? {} : { expires }),
      problems: [...problems],
    };
  };

  /** Fetched tokens renew automatically. ZITADEL does not say which one is the personal access token. */
  async function endOf({ kind, ...of }: Credential, user: string | undefined): Promise<number | undefined> {
    if ('key' in of) return timeOf(of.key.expirationDate);
    if (kind !== 'token' || user === undefined) return undefined;
    const ends = await account.tokenEnds(user, NOW);
    if (ends.kind !== 'ok') return undefined;
    const [end, ...others] = ends.value.filter((each) => each > clock());
    return others.length === 0 && end !== undefined && Number.isFinite(end) ? end : undefined;
  }
}

function timeOf(date: string | undefined): number | undefined {
  const time = Date.parse(date ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** Date (RFC 9110 §6.6.1) has whole seconds; 0 if our clock may have shown the same second. */
function skew(date: string | null, from: number, to: number): number | undefined {
  const second = timeOf(date ?? undefined);
  if (second === undefined) return undefined;
  if (second > to) return second - to;
  return Math.min(0, second + 1_000 - from);
}

/** One line: what is wrong, and what to do. */
function explained(failure: Failure, url: string): string {
  const outcome = outcomeOf(failure);
  if (failure.cause === 'away')
    return `ZITADEL gave no answer at ${url} (${failure.message}): check ZITADEL_URL, and that ZITADEL runs and is reached from here`;
  // one cause may fail several calls: the line is the same for all
  if (outcome.kind === 'blocked') return `${explain(meaning(failure), failure)} (${failure.id || failure.code})`;
  const said =
    outcome.kind === 'retry' ? outcome.reason : `${failure.call}: ${failure.id || failure.code} ${failure.message}`;
  return `${said}: look at ZITADEL's own log`;
}

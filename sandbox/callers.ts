import { Code, createContextKey } from '@connectrpc/connect';
import type { User } from './entities.ts';
import { bare, refusal } from './errors.ts';
import type { State } from './state.ts';

/** The caller, and the organization context of the call: x-zitadel-orgid, else the caller's own. */
export interface Caller {
  readonly user: User;
  readonly context: string;
}

export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });

/**
 * The caller of a request, in the order ZITADEL looks: token, then organization header.
 * A deactivated user's token is refused at once; a deactivated or removed organization passes as context.
 */
export function identify(state: State, header: Headers, micros: number): Caller {
  const authorization = header.get('authorization');
  if (!authorization) throw bare(Code.Unauthenticated, 'auth header missing');
  const [scheme, token] = authorization.split(' ', 2);
  if (scheme !== 'Bearer' || !token) throw refusal('notBearer');
  const confirmed = state.tokens.get(token);
  if (!confirmed || confirmed.revoked || (confirmed.expires ?? Number.POSITIVE_INFINITY) < micros)
    throw refusal('badToken');
  const user = state.users.get(confirmed.userId);
  if (user?.state !== 'active') throw refusal('badToken');
  if (state.organizations.get(user.organization)?.state === 'removed') throw refusal('badToken');
  const wanted = header.get('x-zitadel-orgid');
  if (wanted && !state.organizations.has(wanted)) throw refusal('unknownOrganizationHeader');
  return { user, context: wanted || user.organization };
}

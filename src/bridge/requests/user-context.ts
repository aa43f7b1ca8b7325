import type { Facts } from '../../mapping/facts.ts';
import type { PasswordRules } from '../ports/zitadel.ts';
import type { NameOf } from '../row/views.ts';
import { hashPassword } from './passwords.ts';
import type { UserView } from './read-users.ts';
import type { Replays } from './replay.ts';
import type { ScanLine } from './scan-queue.ts';
import type { SubmitContext } from './submit.ts';

/** The context of a tenant's user requests, built once. */
export interface UserContext extends SubmitContext {
  readonly view: UserView;
  readonly replays: Replays;
  readonly scans: ScanLine;
  readonly nameOf: NameOf;
  /** undefined: passwords are ignored. Otherwise the organization's rules as last synced; throws 503 before that */
  readonly passwordRules: (() => PasswordRules) | undefined;
}

/** The fact of a clear password, hashed; none when passwords are ignored. Throws BridgeError 400, 503. */
export async function passwordFact({ passwordRules }: UserContext, clear: string | undefined): Promise<Facts> {
  if (clear === undefined || passwordRules === undefined) return {};
  return { password: await hashPassword(clear, passwordRules()) };
}

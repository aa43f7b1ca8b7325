/** GET /: the status page, for bearers of ADMIN_TOKEN. */
import { Router } from 'express';
import { BridgeError } from '../errors.ts';
import type { Operator } from '../bridge/ports/operator.ts';
import { type AdminToken, allowed } from './admin-token.ts';
import type { Desk } from './desk.ts';
import { page, type Shown } from './page.ts';
import { POLICY } from './page-style.ts';

export interface PageRouterOptions extends AdminToken {
  readonly desk: Desk;
  /** the codes in a ZITADEL text, without the rest */
  readonly codes: (reason: string) => string;
}

/** Answers 404 if no token is set, 401 with WWW-Authenticate without the right one, 429 after too many wrong ones. */
export function createPageRouter({ desk, codes, ...token }: PageRouterOptions): Router {
  const router = Router();
  router.get('/', async (request, response) => {
    if (!allowed(request, response, token)) return;
    const shown = await Promise.all(
      [...desk.operators].map(([tenant, operator]) =>
        confirmed(operator).catch((error: unknown): Shown => ({ tenant, failure: failure(error) })),
      ),
    );
    response.set({ 'Content-Security-Policy': POLICY, 'Referrer-Policy': 'no-referrer' });
    response.type('html').send(page(shown, { now: desk.clock(), codes }));
  });
  return router;
}

async function confirmed(operator: Operator): Promise<Shown> {
  const [state, rules] = await Promise.all([operator.state(), operator.groups.state().catch(failure)]);
  return { ...state, rules };
}

/** What is unavailable is a line on the page. */
const failure = (error: unknown): string => (error instanceof BridgeError ? error.message : 'unexpected');

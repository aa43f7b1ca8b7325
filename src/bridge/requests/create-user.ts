/** POST: creates a row. Its id is durable before ZITADEL is called, and its name is reserved first. */
import { BridgeError } from '../../errors.ts';
import { toFacts } from '../../mapping/users.ts';
import type { Context } from '../ports/context.ts';
import type { Key } from '../row/types.ts';
import { absent, emptyRow, keyOf, resourceOf, shownFacts } from '../row/views.ts';
import type { Answering } from './replay.ts';
import { checkAccepted, submitChange } from './submit.ts';
import type { Created, UserInput, UserResource } from './use-cases.ts';
import { checkSize } from './user-size.ts';
import { passwordFact, type UserContext } from './user-context.ts';

export async function createUser(
  context: UserContext,
  ctx: Context,
  { user, password, hash }: UserInput,
): Promise<Created<UserResource>> {
  const { tenant, clock, ids, timing } = context.requests;
  const now = clock();
  const deadline = now + timing.answerWithinMs;
  const key = { tenant, id: ids() };
  checkSize(user);
  const facts = { ...toFacts(user, key.id), ...(await passwordFact(context, password)) };
  const onto = emptyRow(key, now, { replay: { hash, open: true } });
  const end = context.replays.begin(key);
  try {
    const submitted = await submitChange(context, {
      ctx,
      read: async () => onto,
      make: () => ({ onto, change: { kind: 'create', facts, named: [] } }),
      deadline,
    });
    if (submitted.kind === 'taken' && submitted.holder.tenant === tenant) {
      const adopted = await context.replays.adopt(submitted.holder, hash, deadline);
      if (adopted !== undefined) {
        await end(false);
        return await answer(context, keyOf(submitted.holder), adopted);
      }
    }
    checkAccepted(submitted, absent);
    return await answer(context, key, end);
  } catch (error) {
    await end(false);
    throw error;
  }
}

async function answer(context: UserContext, key: Key, end: Answering): Promise<Created<UserResource>> {
  const row = await context.requests.store.read(key);
  const facts = row === undefined ? null : shownFacts(row);
  if (row === undefined || facts === null) {
    await end(false);
    throw gone();
  }
  return {
    resource: resourceOf(row, facts, context.nameOf),
    ended: (delivered) => void end(delivered, row),
  };
}

const gone = (): BridgeError =>
  new BridgeError(503, 'the user was deleted while it was being created; try again', { retryAfter: 1 });

/** POST: a new row, its id durable before ZITADEL is asked, its name reserved before anybody else can take it. */
import { BridgeError } from '../../errors.ts';
import type { Facts } from '../../mapping/facts.ts';
import { toFacts } from '../../mapping/users.ts';
import type { Submit } from './submit.ts';
import type { HeldBy } from './unique-names.ts';
import type { Clock, Ids } from '../ports/context.ts';
import type { Key, Row, Unique } from '../row/types.ts';
import type { Store } from '../ports/store.ts';
import { adopt, closeReplay, create as createRow } from '../row/transitions.ts';
import { keyOf, type NameOf, newChange, resourceOf, shownFacts, taken } from '../row/views.ts';
import { type Timing, within } from '../timing.ts';
import type { Users } from './use-cases.ts';
import { checkSize } from './user-size.ts';
import { updateRow, updateSeen } from '../row/update-row.ts';

export interface CreateUserOptions {
  readonly tenant: string;
  readonly unique: Unique;
  readonly store: Store;
  readonly submit: Submit;
  readonly heldBy: HeldBy;
  readonly passwordFact: (clear: string | undefined) => Promise<Facts>;
  readonly nameOf: NameOf;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly timing: Timing;
}

export function createCreateUser(options: CreateUserOptions): Users['create'] {
  const { tenant, unique, store, submit, heldBy, clock, timing } = options;
  /** users whose creation is being answered by this process, and when that ends */
  const answering = new Map<string, Promise<void>>();

  return async function create(ctx, { user, password, hash }) {
    const now = clock();
    const deadline = now + timing.answerWithinMs;
    const key = { tenant, id: options.ids() };
    checkSize(user);
    const facts = { ...toFacts(user, key.id), ...(await options.passwordFact(password)) };
    const change = newChange(ctx, { revision: 1, kind: 'create', facts, named: [], at: now });
    const row = createRow(key, change, { replay: { hash, open: true } });
    const end = begin(key.id);
    try {
      for (;;) {
        const written = await submit(row, 0, deadline);
        if (written.kind === 'ok') return await answer(key, end);
        if (written.kind === 'refused') throw written.error;
        if (written.kind === 'version') throw new Error('a new id was taken');
        const holder = await heldBy(written.holder, written.name, deadline);
        if (holder === undefined) continue;
        const repeated = await repeat(holder, hash, deadline);
        if (repeated === undefined) throw taken(written.name);
        end();
        return repeated;
      }
    } catch (error) {
      end();
      throw error;
    }
  };

  /** Notes that this user's creation is being answered; to be called when that has ended. */
  function begin(id: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    answering.set(id, promise);
    return () => {
      if (answering.get(id) === promise) answering.delete(id);
      resolve();
    };
  }

  /** The same client asks again because our answer never reached it: it gets the user it made. undefined: it was reached, or it is another. */
  async function repeat(holder: Row, hash: string, deadline: number): Promise<Answer | undefined> {
    if (holder.tenant !== tenant || holder.replay?.hash !== hash) return undefined;
    for (let other = answering.get(holder.id); other !== undefined; other = answering.get(holder.id)) {
      if (
        (await within(
          other.then(() => true),
          deadline - clock(),
        )) === undefined
      )
        return undefined;
    }
    const end = begin(holder.id);
    // the request that asked for it is gone without an answer: this one gets it
    const row = await updateRow(store, unique, keyOf(holder), adopt, true);
    if (row?.replay?.open === true && shownFacts(row) !== null) return answer(keyOf(row), end);
    end();
    return undefined;
  }

  async function answer(key: Key, end: () => void): Promise<Answer> {
    const row = await store.read(key);
    const facts = row === undefined ? null : shownFacts(row);
    if (row === undefined || facts === null) {
      end();
      throw gone();
    }
    return {
      resource: resourceOf(row, facts, options.nameOf),
      ended(delivered) {
        // when the store fails the mark stays open: one repeat more is 201, never a twin
        const closed = delivered ? updateSeen(store, unique, row, closeReplay, { durable: false }) : Promise.resolve();
        closed.catch(() => undefined).finally(end);
      },
    };
  }
}

type Answer = Awaited<ReturnType<Users['create']>>;

const gone = (): BridgeError =>
  new BridgeError(503, 'the user was removed while it was made; try again', { retryAfter: 1 });

import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import type { ConnectError, HandlerContext } from '@connectrpc/connect';
import { callerKey } from './callers.ts';
import type { Caller } from './callers.ts';
import { wireKey } from './connections.ts';
import { deadlinePassed, integrityViolation, outcomeOf, type Version } from './errors.ts';
import type { Fate, Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { createLanes } from './lanes.ts';
import type { Lane } from './lanes.ts';
import type { Work } from './latency.ts';
import type { Lost } from './lost.ts';
import { validate } from './validation.ts';

/** The aggregate of a write: concurrent writes on one conflict. user: the user named, for the operator's log. */
export interface Target {
  readonly lane: string;
  readonly user?: string;
}

type Method<I, O> = (request: I, context: HandlerContext) => Promise<O>;

/** Turns what a service does into rpc implementations: faults, validation, latency, log around it. */
export interface Calls {
  read<I, O>(handle: (request: I, caller: Caller) => O, work?: (request: NoInfer<I>) => Partial<Work>): Method<I, O>;
  /** handle is synchronous: it refuses by throwing before it changes anything. */
  write<I, O>(
    target: (request: NoInfer<I>, caller: Caller) => Target,
    handle: (request: I, caller: Caller, lane: Lane) => O,
    work?: (request: NoInfer<I>) => Partial<Work>,
  ): Method<I, O>;
}

export interface CallsOptions {
  readonly faults: Faults;
  readonly journal: Journal;
  readonly latency: ((work: Work) => Promise<void>) | null;
  readonly random: () => number;
  readonly now: () => number;
  readonly commit: () => void;
  readonly lost: Lost;
  readonly version: Version;
}

/** With that many writes in flight on one aggregate, an integrity violation occurs this often. */
const COLLIDING = 10;
const COLLISIONS = 0.03;

/** How a call ends: with its own outcome, with an injected error instead, or without an answer from the service. */
type Ending<O> = { readonly value: O } | { readonly refusal: unknown } | { readonly fault: ConnectError } | 'silence';

export function createCalls({ faults, journal, latency, random, now, commit, lost, version }: CallsOptions): Calls {
  const lanes = createLanes();

  /** Runs apply as the injected faults and the latency table want. */
  async function perform<O>(
    context: HandlerContext,
    request: Message,
    work: Partial<Work>,
    apply: (fate: Fate) => O,
  ): Promise<Ending<O>> {
    const method = context.method as DescMethodUnary;
    const fate = faults.next(method.parent.typeName, method.name);
    if (fate.delay > 0) await sleep(fate.delay);
    let own: Ending<O> = 'silence';
    if (fate.apply) {
      try {
        // newer versions treat an empty value as a request to delete the key
        if (version === 'A' || method.name !== 'SetUserMetadata') validate(method.input, request);
        if (latency) await latency({ method: method.name, ...work });
        if ((context.timeoutMs() ?? 1) <= 0) throw deadlinePassed(random);
        const value = apply(fate);
        own = { value: fate.empty === true ? ({} as O) : value };
      } catch (refusal) {
        own = { refusal };
      }
    }
    const wire = context.values.get(wireKey);
    if (fate.end === 'drop') wire?.cut();
    if (fate.end !== 'answer') return 'silence';
    if (fate.status) {
      wire?.refuse(fate.status, fate.retryAfter);
      return 'silence';
    }
    return fate.error ? { fault: fate.error } : own;
  }

  return {
    read: (handle, work) => async (request, context) =>
      told(await perform(context, request as Message, work?.(request) ?? {}, () => handle(request, callerOf(context)))),

    write: (target, handle, work) => async (request, context) => {
      const caller = callerOf(context);
      const { lane: name, user } = target(request, caller);
      const lane = lanes.enter(name);
      const began = now();
      // writes that arrive together are in flight together
      await new Promise(setImmediate);

      function record(outcome: string): (answered: boolean) => void {
        const schema = (context.method as DescMethodUnary).input;
        const { user: who, context: organization } = caller;
        return journal.add({
          began,
          time: now(),
          method: context.method.name,
          userId: user ?? '',
          caller: who.id,
          callerOrganization: who.organization,
          organization,
          outcome,
          parallel: lane.parallel(),
          schema,
          request: request as Message,
        });
      }

      let answered: ReturnType<typeof record> | undefined;
      const ending = await perform(context, request as Message, work?.(request) ?? {}, ({ loses }) => {
        try {
          if (lane.parallel() >= COLLIDING && random() < COLLISIONS) throw integrityViolation(version);
          const result = handle(request, caller, lane);
          commit();
          if (loses !== undefined && user !== undefined) lost.lose(user, loses);
          answered = record('ok');
          return result;
        } catch (reason) {
          answered = record(outcomeOf(reason));
          throw reason;
        }
      });
      lane.leave();
      answered ??= record(typeof ending === 'object' && 'refusal' in ending ? outcomeOf(ending.refusal) : 'fault');
      answered(typeof ending === 'object' && !('fault' in ending) && !context.signal.aborted);
      return told(ending);
    },
  };
}

/** A call that ends in silence gets no answer: its connection is cut, hung, or answered by hand. */
function told<O>(ending: Ending<O>): O | Promise<never> {
  if (ending === 'silence') return new Promise<never>(() => {});
  if ('value' in ending) return ending.value;
  throw 'fault' in ending ? ending.fault : ending.refusal;
}

function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (!caller) throw new Error(`${context.method.name} reached without a caller`);
  return caller;
}

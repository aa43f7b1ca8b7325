import { setTimeout as sleep } from 'node:timers/promises';
import type { DescMethodUnary, Message } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { callerKey } from './callers.ts';
import type { Caller } from './callers.ts';
import { wireKey } from './connections.ts';
import { deadlinePassed, integrityViolation, outcomeOf } from './errors.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { createLanes } from './lanes.ts';
import type { Lane } from './lanes.ts';
import type { Work } from './latency.ts';
import { validate } from './validation.ts';

/** Which aggregate a write is about: writes on one collide. user: the user named, for the operator's log. */
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
}

/** So many writes in flight on one aggregate fail with an integrity violation this often. */
const COLLIDING = 10;
const COLLISIONS = 0.03;

const NEVER = new Promise<never>(() => {});

export function createCalls({ faults, journal, latency, random, now, commit }: CallsOptions): Calls {
  const lanes = createLanes();

  /** Runs apply as the injected faults and the latency table want, then answers or not. */
  async function answer<O>(context: HandlerContext, request: Message, work: Partial<Work>, apply: () => O): Promise<O> {
    const method = context.method as DescMethodUnary;
    const fate = faults.next(method.parent.typeName, method.name);
    if (fate.delay > 0) await sleep(fate.delay);
    if (fate.apply) {
      validate(method.input, request);
      if (latency) await latency({ method: method.name, ...work });
      if ((context.timeoutMs() ?? 1) <= 0) throw deadlinePassed(random);
    }
    const wire = context.values.get(wireKey);
    let result: O | undefined;
    try {
      result = fate.apply ? apply() : undefined;
    } finally {
      if (fate.end === 'drop') wire?.cut();
    }
    if (fate.end !== 'answer') return NEVER;
    if (fate.status) {
      wire?.refuse(fate.status, fate.retryAfter);
      return NEVER;
    }
    if (fate.error) throw fate.error;
    return result as O;
  }

  return {
    read: (handle, work) => (request, context) =>
      answer(context, request as Message, work?.(request) ?? {}, () => handle(request, callerOf(context))),

    write: (target, handle, work) => async (request, context) => {
      const caller = callerOf(context);
      const { lane: name, user } = target(request, caller);
      const lane = lanes.enter(name);
      const began = now();
      // writes that arrive together are in flight together
      await new Promise(setImmediate);

      function record(outcome: string): void {
        const schema = (context.method as DescMethodUnary).input;
        const { user: who, context: organization } = caller;
        journal.add({
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

      function apply(): ReturnType<typeof handle> {
        try {
          if (lane.parallel() >= COLLIDING && random() < COLLISIONS) throw integrityViolation();
          const result = handle(request, caller, lane);
          commit();
          record('ok');
          return result;
        } catch (reason) {
          record(outcomeOf(reason));
          throw reason;
        }
      }

      try {
        return await answer(context, request as Message, work?.(request) ?? {}, apply);
      } finally {
        lane.leave();
      }
    },
  };
}

function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (!caller) throw new Error(`${context.method.name} reached without a caller`);
  return caller;
}

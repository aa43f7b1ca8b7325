/** Group commit: everything accepted while one batch is being written is the next batch. */
import { BridgeError } from '../../errors.ts';
import { pairText } from './pending.ts';
import type { Call, ChangeName } from './schema.ts';

export interface CommitsOptions {
  /** one transaction; rejects when none of it was written */
  readonly commit: (calls: readonly Call[]) => Promise<void>;
  /** a batch is durable */
  readonly onCommitted: (batch: number) => void;
  /** neither this batch nor anything accepted after it was or will be written */
  readonly onFailed: (error: unknown) => void;
  /** a batch has not finished within `deadlineMs`: it, and what was accepted after it, may still become durable */
  readonly onStalled: (error: unknown) => void;
  /** longest wait for a batch, milliseconds */
  readonly deadlineMs: number;
  /** how long writes that no request is waiting for may be delayed, milliseconds */
  readonly lingerMs: number;
}

export interface Commits {
  /** Adds calls as one atomic unit; `size` is in characters, roughly. Returns the number of their batch. */
  add(calls: readonly Call[], size: number): number;
  /** Resolves when everything added so far is durable; rejects when it never will be, or the disk is too slow. */
  durable(): Promise<void>;
  /** Everything added so far becomes durable within `ms` (default lingerMs), even if no request is waiting. */
  linger(ms?: number): void;
  /** Why nothing should be added now: the disk missed its deadline and has not answered since. */
  stalled(): BridgeError | undefined;
}

interface Batch {
  readonly number: number;
  readonly calls: Call[];
  /** where in `calls` each row and set is written: a later write in the same batch replaces it */
  readonly puts: Map<string, number>;
  done: PromiseWithResolvers<void>;
  size: number;
}

/** A batch is passed to the writer in one piece: two million characters block the event loop for about 2 ms. */
const BATCH_SIZE = 2_000_000;

/** What is replaced as a whole: a row or a set, by its first two cells. */
const WHOLE: Readonly<Partial<Record<ChangeName, string>>> = {
  putRow: 'row',
  removeRow: 'row',
  putMemberSet: 'set',
};

function addCall({ calls, puts }: Batch, call: Call): void {
  const [name, first, second] = call;
  const whole = WHOLE[name];
  if (whole === undefined) {
    calls.push(call);
    return;
  }
  const place = whole + pairText(String(first), String(second));
  const before = name === 'removeRow' ? undefined : puts.get(place);
  if (before !== undefined) {
    calls[before] = call;
    return;
  }
  if (name === 'removeRow') puts.delete(place);
  else puts.set(place, calls.length);
  calls.push(call);
}

/** onFailed reports failures that no request is waiting for. */
function promised(): PromiseWithResolvers<void> {
  const made = Promise.withResolvers<void>();
  made.promise.catch(() => undefined);
  return made;
}

export function createCommits({
  commit,
  onCommitted,
  onFailed,
  onStalled,
  deadlineMs,
  lingerMs,
}: CommitsOptions): Commits {
  let made = 0;
  let flying: Batch | undefined;
  /** in order; additions go to the last one */
  let waiting: Batch[] = [];
  /** batches up to this number are to be written now */
  let hurried = 0;
  let scheduled = false;
  let timer: NodeJS.Timeout | undefined;
  let stall: BridgeError | undefined;

  /** Waiting callers are told; what was accepted stays accepted, and is written when the disk answers again. */
  function tellStalled(): void {
    stall = new BridgeError(
      503,
      `The disk has not answered for ${Math.round(deadlineMs / 100) / 10} s; try again later.`,
      {
        retryAfter: 5,
      },
    );
    for (const batch of flying === undefined ? waiting : [flying, ...waiting]) {
      batch.done.reject(stall);
      batch.done = promised();
    }
    onStalled(stall);
  }

  function open(): Batch {
    const last = waiting.at(-1);
    if (last !== undefined && last.size < BATCH_SIZE) return last;
    if (last !== undefined) hurry(last);
    const batch: Batch = { number: ++made, calls: [], puts: new Map(), done: promised(), size: 0 };
    waiting.push(batch);
    return batch;
  }

  function hurry(batch: Batch): void {
    hurried = batch.number;
    if (scheduled || flying !== undefined) return;
    scheduled = true;
    // all requests read in this turn of the event loop share the batch
    setImmediate(() => void fly());
  }

  async function fly(): Promise<void> {
    scheduled = false;
    for (let batch = next(); batch !== undefined; batch = next()) {
      flying = batch;
      const deadline = setTimeout(tellStalled, deadlineMs);
      try {
        await commit(batch.calls).finally(() => {
          clearTimeout(deadline);
          stall = undefined;
        });
        flying = undefined;
        onCommitted(batch.number);
        batch.done.resolve();
      } catch (error) {
        // what was accepted later may rest on what failed
        const lost = [batch, ...waiting];
        flying = undefined;
        waiting = [];
        onFailed(error);
        for (const { done } of lost) done.reject(error);
      }
    }
  }

  function next(): Batch | undefined {
    const [first] = waiting;
    if (first === undefined || first.number > hurried) return undefined;
    clearTimeout(timer);
    timer = undefined;
    return waiting.shift();
  }

  return {
    add(calls, size) {
      const batch = open();
      for (const call of calls) addCall(batch, call);
      batch.size += size;
      return batch.number;
    },
    durable() {
      if (stall !== undefined) return Promise.reject(stall);
      const last = waiting.at(-1);
      if (last === undefined) return flying?.done.promise ?? Promise.resolve();
      hurry(last);
      return last.done.promise;
    },
    linger(ms = lingerMs) {
      timer ??= setTimeout(() => {
        timer = undefined;
        const last = waiting.at(-1);
        if (last !== undefined) hurry(last);
      }, ms);
    },
    stalled: () => stall,
  };
}

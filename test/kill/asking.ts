/** What clients do whatever they ask for: one request after the other until they are stopped, and a note of what became of each. */
import { setTimeout as pause } from 'node:timers/promises';
import { int, mulberry32, type Random } from '../mapping/random.ts';
import type { Reply } from './line.ts';
import type { End, Wish, Wished } from './lives.ts';

/** Clients at work. */
export interface Load<Life> {
  /** all that were ever asked for, in order of their births */
  readonly lives: readonly Life[];
  /** requests that no answer came to although the bridge lived */
  readonly silent: readonly string[];
  start(): void;
  /** Every client ends the request it is at. */
  stop(): Promise<void>;
}

export interface ClientsAtWork {
  readonly clients: number;
  /** each client's randomness is its own */
  readonly seed: number;
  /** the longest pause between two requests of a client, ms */
  readonly think: number;
  /** what the n-th client does whenever it is its turn */
  readonly turnOf: (n: number) => (random: Random) => Promise<void>;
}

export function clientsAtWork({ clients, seed, think, turnOf }: ClientsAtWork): Pick<Load<never>, 'start' | 'stop'> {
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  async function client(n: number): Promise<void> {
    const random = mulberry32(seed + n);
    const turn = turnOf(n);
    while (!stopping.signal.aborted) {
      await turn(random);
      await pause(int(random, think));
    }
  }

  return {
    start() {
      running = Promise.all(Array.from({ length: clients }, (_, n) => client(n)));
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** A request's wish, of a user or of a group, whose end is not known yet. */
type Pending = Pick<Wish, 'kind' | 'end' | 'ended' | 'status' | 'detail'>;

/** Notes what a client knows now that its request has ended. @param silent gets what no answer came to */
export function noteEnd(
  life: Wished & { readonly birth: string; id?: string },
  wish: Pending,
  reply: Exclude<Reply, { kind: 'unsent' }>,
  silent: string[],
): void {
  wish.ended = Date.now();
  wish.end = endOf(life, wish.kind, reply);
  if (reply.kind === 'silent') silent.push(`${wish.kind} ${life.birth}`);
  if (reply.kind !== 'answer') return;
  wish.status = reply.status;
  wish.detail = String(reply.body.detail ?? '');
  if (wish.kind === 'create' && wish.end === 'answered') life.id = String(reply.body.id);
}

function endOf(life: Wished, kind: Wish['kind'], reply: Exclude<Reply, { kind: 'unsent' }>): End {
  if (reply.kind !== 'answer' || reply.status >= 500) return 'unanswered';
  if (reply.status < 300) return 'answered';
  const repeated = life.wishes.filter((wish) => wish.kind === 'delete' && wish.end !== 'refused').length > 1;
  return kind === 'delete' && reply.status === 404 && repeated ? 'answered' : 'refused';
}

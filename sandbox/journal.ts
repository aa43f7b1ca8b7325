import { toJson } from '@bufbuild/protobuf';
import type { DescMessage, Message } from '@bufbuild/protobuf';

/**
 * One call that writes, as GET /sandbox/log shows it: a JSON object in a line of its own, in the order in which the calls
 * were applied or refused. A call that is still to be applied (slow, hang with hangMs) is not there yet. Calls that never
 * got to a service are not there: no valid token, connection cut before the request was read.
 * The content of `request` (protobuf JSON) is what was asked for, personal data and password hashes too.
 */
export interface Entry {
  /** 1, 2, 3 ... */
  readonly n: number;
  /** 1, 2, 3 ... over the writes that were applied, in their order; null: it changed nothing and never will. */
  readonly applied: number | null;
  /**
   * Whether its outcome was sent to the caller. false: the caller was told an injected error instead, or nothing:
   * hung, cut, or gone by itself before. A caller that goes in the moment of the answer may not have read it.
   */
  readonly answered: boolean;
  /** Milliseconds since 1970: when the call came in, and when it was applied, refused or given up. */
  readonly began: number;
  readonly time: number;
  readonly method: string;
  /** The user written to; '' when the call is about none. */
  readonly userId: string;
  readonly caller: string;
  readonly callerOrganization: string;
  /** Organization context of the call: x-zitadel-orgid, else the caller's own. */
  readonly organization: string;
  /** 'ok': applied. 'fault': not applied for an injected fault. Else refused: the ErrorDetail.id or the name of the code. */
  readonly outcome: string;
  /** Writes in flight on the same aggregate while this one was, itself included. */
  readonly parallel: number;
  readonly schema: DescMessage;
  readonly request: Message;
}

/** Calls by method, and every write. */
export interface Journal {
  count(method: string): void;
  counts(): Record<string, number>;
  resetCounts(): void;
  /** Gives what is to be called when it is known whether the outcome was sent. */
  add(entry: Omit<Entry, 'n' | 'applied' | 'answered'>): (answered: boolean) => void;
  /** Entries from n on, as JSON lines. */
  lines(from: number): string;
}

/** Oldest entries are forgotten beyond this many. */
const KEEP = 100_000;

export function createJournal(): Journal {
  let counts = new Map<string, number>();
  let entries: Entry[] = [];
  let next = 1;
  let applied = 0;

  function line({ schema, request, ...entry }: Entry): string {
    return `${JSON.stringify({ ...entry, request: toJson(schema, request) })}\n`;
  }

  return {
    count: (method) => void counts.set(method, (counts.get(method) ?? 0) + 1),
    counts: () => Object.fromEntries(counts),
    resetCounts() {
      counts = new Map();
    },
    add(entry) {
      if (entry.outcome === 'ok') applied += 1;
      const kept = { n: next, applied: entry.outcome === 'ok' ? applied : null, answered: false, ...entry };
      entries.push(kept);
      next += 1;
      if (entries.length > KEEP * 1.5) entries = entries.slice(-KEEP);
      return (answered) => void (kept.answered = answered);
    },
    lines: (from) =>
      entries
        .filter((entry) => entry.n >= from)
        .map(line)
        .join(''),
  };
}

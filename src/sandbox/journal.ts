import { toJson } from '@bufbuild/protobuf';
import type { DescMessage, Message } from '@bufbuild/protobuf';

/** One write as the operator's log shows it. */
export interface Entry {
  readonly n: number;
  /** Milliseconds since 1970: when the call came in, and when it was applied or refused. */
  readonly began: number;
  readonly time: number;
  readonly method: string;
  /** The user written to; '' when the call is about none. */
  readonly userId: string;
  readonly caller: string;
  readonly callerOrganization: string;
  /** Organization context of the call: x-zitadel-orgid, else the caller's own. */
  readonly organization: string;
  /** 'ok', else the ErrorDetail.id or the name of the code. */
  readonly outcome: string;
  /** Writes in flight on the same aggregate while this one was, itself included. */
  readonly parallel: number;
  readonly schema: DescMessage;
  readonly request: Message;
}

/** Calls by method, and every write in the order it was applied. */
export interface Journal {
  count(method: string): void;
  counts(): Record<string, number>;
  resetCounts(): void;
  add(entry: Omit<Entry, 'n'>): void;
  /** Entries from n on, as JSON lines. */
  lines(from: number): string;
}

/** Oldest entries are forgotten beyond this many. */
const KEEP = 100_000;

export function createJournal(): Journal {
  let counts = new Map<string, number>();
  let entries: Entry[] = [];
  let next = 1;

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
      entries.push({ ...entry, n: next });
      next += 1;
      if (entries.length > KEEP * 1.5) entries = entries.slice(-KEEP);
    },
    lines: (from) =>
      entries
        .filter((entry) => entry.n >= from)
        .map(line)
        .join(''),
  };
}

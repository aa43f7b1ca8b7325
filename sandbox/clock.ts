import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** Times and ids of one sandbox. */
export interface Stamps {
  /** Microseconds since 1970, larger than every one before. */
  stamp(): number;
  /** A new id in ZITADEL's form: 18 digits that grow with time. */
  id(): string;
}

const ID_EPOCH_MS = 1_668_000_000_000n;

/** now: milliseconds since 1970. */
export function createStamps(now: () => number): Stamps {
  let last = 0;
  let lastId = 0n;
  return {
    stamp() {
      last = Math.max(last + 1, Math.round(now() * 1000));
      return last;
    },
    id() {
      const wanted = ((BigInt(Math.floor(now())) - ID_EPOCH_MS) << 22n) | 0x4000n;
      lastId = wanted > lastId ? wanted : lastId + 65536n;
      return String(lastId).padStart(18, '1');
    },
  };
}

/** Microseconds to a protobuf time. */
export function timestamp(micros: number): Timestamp {
  const time = timestampFromMs(Math.floor(micros / 1000));
  time.nanos = (micros % 1_000_000) * 1000;
  return time;
}

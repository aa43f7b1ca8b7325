/** Milliseconds of one call: p50 and p99 alone, and p50 with 16 in flight. */
type Row = readonly [p50: number, p99: number, loaded: number];

/** Measured on two shared cores (test/zitadel/README.md). */
const TABLE: Readonly<Record<string, Row>> = {
  CreateUser: [7, 18, 70],
  GetUserByID: [6, 18, 76],
  UpdateUser: [6, 14, 60],
  UpdateHumanUser: [6, 14, 60],
  SetUserMetadata: [5, 8, 52],
  DeleteUserMetadata: [5, 8, 52],
  ListUserMetadata: [7, 15, 72],
  ListUsers: [5, 9, 57],
  DeactivateUser: [9, 23, 60],
  ReactivateUser: [7, 16, 57],
  DeleteUser: [24, 41, 298],
  CreateAdministrator: [7, 16, 91],
  UpdateAdministrator: [9, 21, 105],
  DeleteAdministrator: [9, 21, 105],
};
const OTHER: Row = [6, 15, 60];
const PASSWORD: Row = [829, 912, 6472];
/** A page of ListUsers costs as much as the whole organization: this much per user in it. */
const LIST_MS_PER_USER: Row = [0.065, 0.08, 2.5];

const CORES = 2;

export interface Work {
  readonly method: string;
  /** A clear password is hashed. */
  readonly password?: boolean;
  /** Users a list has to look at. */
  readonly scanned?: number;
}

/** Waits as long as a ZITADEL on two cores would take: calls queue for a core, and cost more when many do. */
export function createLatency(random: () => number): (work: Work) => Promise<void> {
  const freeAt = Array.from({ length: CORES }, () => 0);
  return ({ method, password, scanned }) => {
    const [p50, p99, loaded] = password ? PASSWORD : rowOf(method, scanned ?? 0);
    const time = performance.now();
    const core = freeAt.indexOf(Math.min(...freeAt));
    const start = Math.max(time, freeAt[core] ?? 0);
    const typical = start > time ? (loaded * CORES) / 16 : p50;
    const end = start + typical * spread(random, p99 / p50);
    freeAt[core] = end;
    return new Promise((resolve) => setTimeout(resolve, end - time));
  };
}

function rowOf(method: string, scanned: number): Row {
  const row = TABLE[method] ?? OTHER;
  if (scanned < 20) return row;
  return row.map((base, index) => Math.max(base, scanned * (LIST_MS_PER_USER[index] ?? 0))) as unknown as Row;
}

/** Lognormal factor with median 1 whose 99th percentile is given. */
function spread(random: () => number, p99: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.exp((normal * Math.log(p99)) / 2.326);
}

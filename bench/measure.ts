/** How things are timed. */

export async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Every work once in each round, so that whatever else the machine does hits all alike. Milliseconds by work. */
export async function sideBySide<Name extends string>(
  rounds: number,
  works: Readonly<Record<Name, (round: number) => Promise<unknown>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(works) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round < rounds; round += 1) {
    // who comes first has the caches of whoever came last
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      times[name].push(await millisecondsOf(() => works[name](round)));
    }
  }
  return times;
}

/** How often a second work ends, with as many in flight as there are works. */
export async function perSecond(works: readonly (() => Promise<unknown>)[], ms: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  await Promise.all(
    works.map(async (work) => {
      while (performance.now() - start < ms) {
        await work();
        done += 1;
      }
    }),
  );
  return (done / (performance.now() - start)) * 1000;
}

/** Nearest rank. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const p50 = (values: readonly number[]): number => quantile(values, 0.5);
export const p99 = (values: readonly number[]): number => quantile(values, 0.99);
export const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;

export interface Race {
  readonly direct: number;
  readonly bridge: number;
}

/** Throughput of two in turns, each `slices` times for `ms`. */
export async function race(
  slices: number,
  ms: number,
  direct: readonly (() => Promise<unknown>)[],
  bridge: readonly (() => Promise<unknown>)[],
): Promise<Race> {
  const rates: { direct: number[]; bridge: number[] } = { direct: [], bridge: [] };
  for (let slice = 0; slice < slices; slice += 1) {
    rates.direct.push(await perSecond(direct, ms));
    rates.bridge.push(await perSecond(bridge, ms));
  }
  return { direct: mean(rates.direct), bridge: mean(rates.bridge) };
}

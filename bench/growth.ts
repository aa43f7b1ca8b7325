/** Whether memory grows: a line through what was seen, so that one collection of garbage more or less does not decide. */

export const WATCHED = ['API 1', 'API 2', 'worker', 'Redis'] as const;

type Watched = (typeof WATCHED)[number];

/** Bytes of each; `at` in ms. */
export type Sample = { readonly at: number } & Readonly<Record<Watched, number>>;

/** The line at the first and at the last sample, bytes. */
export interface Growth {
  readonly from: number;
  readonly to: number;
}

/** Least squares. NaN without samples. */
export function growth(samples: readonly Sample[], of: Watched): Growth {
  const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;
  const at = mean(samples.map((each) => each.at));
  const bytes = mean(samples.map((each) => each[of]));
  let [together, spread] = [0, 0];
  for (const each of samples) {
    together += (each.at - at) * (each[of] - bytes);
    spread += (each.at - at) ** 2;
  }
  const slope = spread === 0 ? 0 : together / spread;
  const on = (sample: Sample | undefined): number => bytes + slope * ((sample?.at ?? Number.NaN) - at);
  return { from: on(samples[0]), to: on(samples.at(-1)) };
}

/** It may grow by so much of itself, or by so many bytes: no process stands quite still. */
const SHARE = 0.05;
const LITTLE = 2 ** 20;

export const isFlat = ({ from, to }: Growth): boolean => to - from <= Math.max(LITTLE, from * SHARE);

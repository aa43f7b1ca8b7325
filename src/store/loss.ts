/** What became of what a store kept. */
export interface Loss {
  /** for operators; made of settings and file names alone */
  readonly reason: string;
  /** it cannot come back while this process runs: only a new start helps */
  readonly forGood: boolean;
}

/** A store has lost its data. */
export interface Loss {
  /** for operators; contains only settings and file names */
  readonly reason: string;
  /** it cannot recover while this process runs: a restart is needed */
  readonly forGood: boolean;
}

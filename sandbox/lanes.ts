/** One write in flight on an aggregate. */
export interface Lane {
  /** Writes in flight on the aggregate, this one included: now, or when it came in if those were more. */
  parallel(): number;
  /** Whether something was marked in the lane after this write came in: the two raced. */
  raced(mark: string): boolean;
  mark(mark: string): void;
  leave(): void;
}

export interface Lanes {
  enter(name: string): Lane;
}

interface Track {
  flying: number;
  readonly marks: Map<string, number>;
}

/** Keeps count of what runs at the same moment on one aggregate (a user, an organization's administrators). */
export function createLanes(): Lanes {
  const tracks = new Map<string, Track>();
  let tick = 0;
  return {
    enter(name) {
      const track = tracks.get(name) ?? { flying: 0, marks: new Map() };
      tracks.set(name, track);
      track.flying += 1;
      tick += 1;
      const entered = tick;
      const atEntry = track.flying;
      return {
        parallel: () => Math.max(track.flying, atEntry),
        raced: (mark) => (track.marks.get(mark) ?? 0) > entered,
        mark(mark) {
          tick += 1;
          track.marks.set(mark, tick);
        },
        leave() {
          track.flying -= 1;
          if (track.flying === 0) tracks.delete(name);
        },
      };
    },
  };
}

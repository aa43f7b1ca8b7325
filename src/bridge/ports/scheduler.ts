/** What wakes the queue. */
/** Tells the queue that a row is due earlier than it may know. */
export interface Scheduler {
  at(time: number): void;
}

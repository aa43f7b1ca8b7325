/** What wakes the queue. */
/** Tells the queue that a row may be due earlier than the queue expects. */
export interface Scheduler {
  at(time: number): void;
}

import type { Result } from './caller.ts';

/** An answer that is believed for a while. */
export interface Recently<T> {
  get(): Promise<Result<T>>;
  /** What was answered, and what is being asked, says nothing any more. */
  forget(): void;
}

/** @param maxAge ms, counted from when it was asked; a failure is never kept */
export function createRecently<T>(ask: () => Promise<Result<T>>, maxAge: number): Recently<T> {
  let kept: { readonly answer: Promise<Result<T>>; readonly asked: number } | undefined;
  return {
    async get() {
      if (kept !== undefined && performance.now() - kept.asked < maxAge) return await kept.answer;
      const mine = { answer: ask(), asked: performance.now() };
      kept = mine;
      const result = await mine.answer;
      if (result.kind !== 'ok' && kept === mine) kept = undefined;
      return result;
    },
    forget() {
      kept = undefined;
    },
  };
}

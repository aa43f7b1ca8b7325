import type { Result } from './caller.ts';

/** An answer that is cached for a while. */
export interface Recently<T> {
  get(): Promise<Result<T>>;
  /** Discards the cached answer and any request under way. */
  forget(): void;
}

/** @param maxAge ms, counted from the request; failures are never kept */
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

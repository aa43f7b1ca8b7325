/** The line between a client and the bridge: what a client knows of a request once it has ended. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Json, TOKEN } from '../end-to-end/bridge.ts';
import type { Request } from './bodies.ts';

/** cut: it may have been done. unsent: nobody listened. silent: no answer for SILENCE, which no client is to see. */
export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Json }
  | { readonly kind: 'cut' | 'unsent' | 'silent' };

export type Send = (request: Request | { readonly method: 'GET'; readonly path: string }) => Promise<Reply>;

/** Far more than ANSWER_WITHIN, ms, on any machine. */
const SILENCE = 300_000;

export function createLine(base: string): Send {
  return async ({ method, path, ...rest }) => {
    const body = 'body' in rest ? JSON.stringify(rest.body) : undefined;
    const late = AbortSignal.timeout(SILENCE);
    try {
      const answer = await fetch(base + path, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }),
        },
        signal: late,
        ...(body === undefined ? {} : { body }),
      });
      const text = await answer.text();
      return { kind: 'answer', status: answer.status, body: text === '' ? {} : JSON.parse(text) };
    } catch (error) {
      if (late.aborted) return { kind: 'silent' };
      const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
      if (code !== 'ECONNREFUSED') return { kind: 'cut' };
      await pause(100); // until somebody listens
      return { kind: 'unsent' };
    }
  };
}

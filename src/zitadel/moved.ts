/** Calls of services that have two names: the server's name for them is determined before the first call. */
import type { Call } from './caller.ts';
import type { Services } from './services.ts';

export function createMovedCall(call: Call, services: Services): Call {
  return async (spec, send) => {
    const result = await call(spec, async (options) => {
      await services.learn(options.signal ?? AbortSignal.timeout(1_000));
      return await send(options);
    });
    if (result.kind === 'failed' && result.failure.code === 'UNIMPLEMENTED') services.forget();
    return result;
  };
}

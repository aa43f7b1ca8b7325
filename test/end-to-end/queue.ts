/** What operators ask of a running bridge, over its admin socket. */
import assert from 'node:assert/strict';
import { socketPath } from '../../src/admin/socket-path.ts';
import type { Answer } from '../../src/admin/verb.ts';
import type { QueueDetail, QueueEntry } from '../../src/bridge/ports/operator.ts';
import { ask } from '../../src/cli/ask.ts';
import { until } from './until.ts';

/** A running bridge, in this process or another. */
export interface Asked {
  readonly dataDir: string;
}

/** Throws Refused, with the reason, when there is nothing of that kind to be done. */
export async function operate({ dataDir }: Asked, verb: string, args: object = {}): Promise<Answer> {
  const answer = await ask({ socket: socketPath(dataDir), verb, args, progress: () => undefined });
  assert.ok(answer, 'nobody listens to operators');
  return answer;
}

/** Rows in a condition, as --kind takes it. */
export async function queue(bridge: Asked, kind: string): Promise<readonly QueueEntry[]> {
  return (await operate(bridge, 'queue list', { kind })).value as readonly QueueEntry[];
}

export async function shown(bridge: Asked, id: string): Promise<QueueDetail> {
  return (await operate(bridge, 'queue show', { id })).value as QueueDetail;
}

/** Waits until nothing is pending and no call is in doubt. */
export async function settled(bridge: Asked): Promise<void> {
  let left: readonly QueueEntry[] = [];
  await until(
    async () => {
      left = [...(await queue(bridge, 'pending')), ...(await queue(bridge, 'in-doubt'))];
      return left.length === 0;
    },
    () => `still pending: ${JSON.stringify(left)}`,
  );
}

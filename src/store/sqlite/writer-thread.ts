/** The main thread's end of writer.ts. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Call } from './schema.ts';
import type { Failure, FromWriter, ToWriter, WriterData } from './writer.ts';

/** Why nothing of a transaction was written. */
export class NotWritten extends Error {
  readonly failure: Failure;

  constructor(reason: string, failure: Failure) {
    super(reason);
    this.name = 'NotWritten';
    this.failure = failure;
  }
}

export interface WriterThread {
  /** One transaction. Resolves with its milliseconds once it would survive a power cut; rejects with NotWritten, or an Error when the thread has died. */
  commit(calls: readonly Call[]): Promise<number>;
  /** false once the thread has died; commit rejects then */
  alive(): boolean;
  stop(): Promise<void>;
}

/** Opens and migrates the database and checks the settings that durability needs. Rejects with a reason. */
export async function startWriter(data: WriterData): Promise<WriterThread> {
  const worker = new Worker(new URL(`./writer${extname(import.meta.url)}`, import.meta.url), { workerData: data });
  const ready = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let flying: PromiseWithResolvers<number> | undefined;
  let dead: Error | undefined;

  function tell(message: ToWriter): void {
    worker.ref();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    worker.postMessage(message);
  }

  function end(reason: Error): void {
    dead ??= reason;
    ready.reject(dead);
    flying?.reject(dead);
    flying = undefined;
  }

  worker.on('message', (message: FromWriter) => {
    if (message.kind === 'ready') {
      const { journalMode, synchronous, secureDelete } = message;
      if (journalMode === 'wal' && synchronous === SYNCHRONOUS_FULL && secureDelete === SECURE_DELETE_ON)
        ready.resolve();
      else
        end(
          new Error(
            `this disk does not do for a database: journal_mode ${String(journalMode)}, ` +
              `synchronous ${String(synchronous)}, secure_delete ${String(secureDelete)}`,
          ),
        );
    } else if (message.kind === 'unusable') {
      end(new Error(message.reason));
    } else {
      const { resolve, reject } = flying ?? Promise.withResolvers<number>();
      flying = undefined;
      worker.unref();
      if (message.kind === 'committed') resolve(message.ms);
      else reject(new NotWritten(message.reason, message.cause));
    }
  });
  worker.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', () => {
    end(new Error('the writer thread has ended'));
    ended.resolve();
  });

  try {
    await ready.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  // an idle store does not keep the process alive, a running commit does
  worker.unref();

  return {
    commit(calls) {
      if (dead !== undefined) return Promise.reject(dead);
      flying = Promise.withResolvers<number>();
      tell(calls);
      return flying.promise;
    },
    alive: () => dead === undefined,
    async stop() {
      tell(null);
      await ended.promise;
    },
  };
}

/** https://sqlite.org/pragma.html#pragma_synchronous */
const SYNCHRONOUS_FULL = 2;
const SECURE_DELETE_ON = 1;

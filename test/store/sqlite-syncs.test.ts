/** Killing a process shows nothing of a power cut: what is promised must be synced, and that is seen in the system calls alone. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createGate, useFolders } from './folders.ts';
import { write } from './rows.ts';

/** strace may be absent, or not be allowed to trace. */
const canTrace = spawnSync('strace', ['-f', '-o', '/dev/null', 'true']).status === 0;
const skip = canTrace ? false : 'strace does not work here: only the settings are read back';

/** What of a traced process matters, in order: syncs of the write-ahead log that succeeded, and lines it printed. */
type Event = 'sync' | `begin` | 'end' | `done ${number}`;

/** One line of `strace -f -y`: thread, and a call, or the end of one that another thread's came between. */
const LINE =
  /^(?<thread>\d+) +(?:<\.\.\. )?(?<call>fsync|fdatasync|write)(?:\((?<fd>\d+)<(?<file>[^>]*)>| resumed>)(?<rest>.*)$/u;

function eventsOf(log: string): Event[] {
  const events: Event[] = [];
  /** threads that are in a sync of the log */
  const syncing = new Set<string>();
  for (const line of log.split('\n')) {
    const { thread = '', call, fd, file, rest = '' } = LINE.exec(line)?.groups ?? {};
    if (call === undefined) continue;
    if (call === 'write') {
      const printed = fd === '1' ? /"(?<text>begin|end|done \d+)\\n"/u.exec(rest)?.groups?.['text'] : undefined;
      if (printed !== undefined) events.push(printed as Event);
      continue;
    }
    if (file?.endsWith('bridge.db-wal')) syncing.add(thread);
    if (rest.endsWith('= 0') && syncing.has(thread)) events.push('sync');
    if (!rest.includes('<unfinished')) syncing.delete(thread);
  }
  return events;
}

describe('store/sqlite: syncs', () => {
  const { newFolder, open, writers } = useFolders();

  /** What happened between the start and the end of the writes. */
  async function traced(many: number, mode: 'sequential' | 'together'): Promise<Event[]> {
    const directory = await newFolder();
    const log = join(directory, 'strace');
    const program = join(import.meta.dirname, 'writes.ts');
    const trace = ['-f', '-y', '-e', 'trace=fsync,fdatasync,write', '-o', log];
    const data = join(directory, 'data');
    await promisify(execFile)('strace', [...trace, process.execPath, program, data, String(many), mode]);
    const events = eventsOf(await readFile(log, 'utf8'));
    return events.slice(events.indexOf('begin') + 1, events.indexOf('end'));
  }

  it('every write is synced before it is promised', { skip }, async () => {
    const events = await traced(40, 'sequential');
    const promised = events.filter((event) => event !== 'sync');
    assert.deepEqual(
      promised,
      Array.from({ length: 40 }, (_, n) => `done ${n}`),
    );
    for (const [place, event] of events.entries()) {
      if (event !== 'sync') assert.equal(events[place - 1], 'sync', `${event} came without a sync`);
    }
  });

  it('200 simultaneous writes share a few syncs, which come before all promises', { skip }, async () => {
    const events = await traced(200, 'together');
    const syncs = events.filter((event) => event === 'sync').length;
    assert.equal(events.length - syncs, 200);
    assert.ok(syncs >= 1 && syncs <= 5, `${syncs} syncs`);
    assert.equal(events[0], 'sync');
  });

  it('every connection that writes has synchronous FULL and secure_delete, after a crash of its thread too', async () => {
    const threads = writers();
    const said: unknown[] = [];
    const listen = (thread: (typeof threads)[number]) => thread.on('message', (message) => said.push(message));
    process.once('worker', listen);
    const { gate: availability, shut, open: release } = createGate();
    const store = await open(await newFolder(), { hook: { availability } });
    const ready = { kind: 'ready', journalMode: 'wal', synchronous: 2, secureDelete: 1 };
    assert.deepEqual(said, [ready]);
    shut();
    const lost = assert.rejects(store.write(write({ tenant: 't', id: 'a' })));
    process.once('worker', listen);
    // by then the batch is with the thread
    await nextTurn();
    await threads[0]?.terminate();
    await lost;
    release();
    await store.write(write({ tenant: 't', id: 'a' }));
    assert.equal(threads.length, 2);
    assert.deepEqual(said[1], ready);
  });
});

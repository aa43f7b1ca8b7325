/** What one commit costs on this disk, whoever makes it: a page appended and synced. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';

export interface Disk {
  /** Appends 4 KiB and waits until they would survive a power cut. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export async function openDisk(folder: string): Promise<Disk> {
  const file = await open(join(folder, 'fsync'), 'a');
  const page = Buffer.alloc(4096, 1);
  return {
    async sync() {
      await file.write(page);
      await file.datasync();
    },
    close: () => file.close(),
  };
}

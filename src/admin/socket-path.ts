/** Where the running bridge listens for its operator. */
import { join } from 'node:path';

/** The kernel keeps the path of a socket in 108 bytes, the last one zero (unix(7)); macOS in 104. */
const MOST_BYTES = process.platform === 'darwin' ? 103 : 107;

/** DATA_DIR/admin.sock. Throws Error when that exceeds the maximum length of a socket path. */
export function socketPath(dataDir: string): string {
  const path = join(dataDir, 'admin.sock');
  const bytes = Buffer.byteLength(path);
  if (bytes <= MOST_BYTES) return path;
  throw new Error(
    `DATA_DIR is too deep: the path of the admin socket, ${path}, has ${bytes} bytes and may have ${MOST_BYTES}; use a shorter one`,
  );
}

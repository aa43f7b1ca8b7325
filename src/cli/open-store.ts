/** The store and the connection to ZITADEL, for when no bridge runs. */
import type { Config } from '../config/config.ts';
import type { Offline } from './offline.ts';

/** Throws Error when the store cannot be opened: another process uses it, or the folder is unavailable. */
export async function openStore(given: Config): Promise<Offline> {
  // most of the program is loaded only if needed
  const [{ createLog }, { wireOffline }, { withSandbox }] = await Promise.all([
    import('../server/log.ts'),
    import('../server/compose.ts'),
    import('../server/sandbox.ts'),
  ]);
  const { config, sandbox } = await withSandbox(given);
  // standard output is for the command
  const log = createLog({ level: 'warn' }, process.stderr);
  try {
    const { operators, stop } = await wireOffline({ config, log });
    return {
      operators,
      setups: config.tenants,
      async stop() {
        await stop();
        await sandbox?.close();
      },
    };
  } catch (error) {
    await sandbox?.close();
    throw error;
  }
}

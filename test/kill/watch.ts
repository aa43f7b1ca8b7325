/** The sandbox's own endpoints, asked anew when the connection is cut: going down cuts those of the watchers too. */
import type { SandboxProcess } from '../end-to-end/sandbox.ts';

/** The text of GET /sandbox/... */
export async function textAt({ url }: Pick<SandboxProcess, 'url'>, path: string): Promise<string> {
  return persist(async () => (await fetch(url + path)).text());
}

/** Repeats what may be repeated. Gives up when the sandbox is gone. */
export async function persist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { readonly code?: string };
      if (!CUT.has(code)) throw error;
    }
  }
}

const CUT: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE']);

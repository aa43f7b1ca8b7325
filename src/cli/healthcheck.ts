/** scim-bridge healthcheck: for a container. It loads nothing of the server, because it runs every few seconds. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { Command } from 'commander';
import { listeningAddress } from '../config/listening-address.ts';
import type { AdminOptions } from './admin.ts';

type HealthcheckOptions = Omit<AdminOptions, 'offline' | 'print'>;

/** The bridge answers in milliseconds, unless it hangs. */
const TIMEOUT_MS = 4_000;

export function healthcheckCommand({ env, cwd, tell, exit }: HealthcheckOptions): Command {
  return new Command('healthcheck')
    .description('exit code 0 when the bridge on this machine answers, 1 when it does not')
    .option('--ready', 'ask whether it serves requests (/readyz), not only whether it runs (/healthz)')
    .action(async ({ ready }: { readonly ready?: true }) => {
      const url = new URL(ready ? '/readyz' : '/healthz', listeningAddress(env, cwd));
      const problem = await problemOf(url);
      if (problem !== undefined) tell(`${url.href}: ${problem}`);
      exit(problem === undefined ? 0 : 1);
    });
}

/** Why the answer is not 200; undefined when it is. */
function problemOf(url: URL): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: TIMEOUT_MS, rejectUnauthorized: false }; // its own certificate names the public host
    const asked = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode}`);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    asked.on('error', (error) => resolve(error.message));
    asked.end();
  });
}

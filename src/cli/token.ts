/** scim-bridge token: a new bearer token and what of it belongs into bridge.yaml. */
import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';

export interface NewToken {
  /** shown once; the bridge never keeps it */
  readonly token: string;
  /** one entry of `tokens` of a tenant */
  readonly yaml: string;
}

/** 256 random bits behind a prefix by which secret scanners can know them. */
export function newToken(name: string, expires?: string): NewToken {
  const token = `scim_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  const entry = { name, sha256, ...(expires === undefined ? {} : { expires }) };
  return { token, yaml: stringify([entry], { collectionStyle: 'flow', lineWidth: 0 }).trim().slice(1, -1).trim() };
}

function tokenName(text: string): string {
  if (!/^[\w.-]{1,64}$/.test(text)) throw new InvalidArgumentError('Letters, digits, ., - and _, at most 64.');
  return text;
}

function futureDay(text: string): string {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) {
    throw new InvalidArgumentError('A day such as 2027-01-01.');
  }
  if (time <= Date.now()) throw new InvalidArgumentError('That day is over.');
  return text;
}

export function tokenCommand(print: (line: string) => void): Command {
  return new Command('token')
    .description('make a bearer token: the token itself, shown once, and its entry for bridge.yaml')
    .option('--name <name>', 'who will use it; stands in log lines', tokenName, 'default')
    .option('--expires <day>', 'first day on which it is refused, UTC', futureDay)
    .action(({ name, expires }: { readonly name: string; readonly expires?: string }) => {
      const { token, yaml } = newToken(name, expires);
      print(token);
      print(`- ${yaml}`);
    });
}

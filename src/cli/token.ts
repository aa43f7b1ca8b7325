/** scim-bridge token: a new bearer token, or a password, and its entry for bridge.yaml. */
import { createHash, randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';

export interface NewToken {
  /** shown once; the bridge never keeps it */
  readonly token: string;
  /** one entry of `tokens` of a tenant */
  readonly yaml: string;
}

/** 256 random bits with a prefix that secret scanners can recognise. */
export function newToken(name: string, expires?: string): NewToken {
  const token = `scim_${randomBytes(32).toString('base64url')}`;
  const sha256 = createHash('sha256').update(token).digest('hex');
  const entry = { name, sha256, ...(expires === undefined ? {} : { expires }) };
  return { token, yaml: flow([entry]).slice(1, -1).trim() };
}

/** Cost of the hash; checking a password takes about 50 ms. */
const COST = 10;

/** A user name and a new password for HTTP Basic; the entry is `basic` of a tenant. */
export async function newPassword(user: string): Promise<{ readonly password: string; readonly yaml: string }> {
  const { hash } = await import('@node-rs/bcrypt');
  const password = randomBytes(24).toString('base64url');
  const entry = { user, passwordHash: await hash(password, COST) };
  return { password, yaml: `basic: ${flow(entry)}` };
}

const flow = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();

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

interface Options {
  readonly name: string;
  readonly expires?: string;
  readonly basic?: true;
}

export function tokenCommand(print: (line: string) => void): Command {
  return new Command('token')
    .description('make a bearer token, or a password: itself, shown once, and its entry for bridge.yaml')
    .option('--name <name>', 'who will use it; stands in log lines; with --basic the user name', tokenName, 'default')
    .option('--expires <day>', 'first day on which it is refused, UTC', futureDay)
    .option('--basic', 'a password for HTTP basic instead of a bearer token')
    .action(async ({ name, expires, basic }: Options, command: Command) => {
      if (basic !== true) {
        const { token, yaml } = newToken(name, expires);
        print(token);
        print(`- ${yaml}`);
        return;
      }
      if (expires !== undefined) command.error('error: option --expires: a password of HTTP basic has no end');
      const { password, yaml } = await newPassword(name);
      print(password);
      print(yaml);
    });
}

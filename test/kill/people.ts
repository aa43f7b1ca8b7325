/** What ZITADEL has at the end of a run and what was written on the way: read from the sandbox, never from the bridge. */
import { membershipsOf } from '../../src/mapping/groups.ts';
import type { SandboxProcess } from '../end-to-end/sandbox.ts';
import { emailAttribute, THERE, type Values } from './lives.ts';
import { textAt } from './watch.ts';

/** A user as ZITADEL has it. */
export interface Person {
  readonly id: string;
  /** the familyName: see Life */
  readonly birth: string;
  readonly values: Values;
  /** ids of its groups */
  readonly groups: readonly string[];
  /** roles in the organization, and by project */
  readonly org: readonly string[];
  readonly projects: Readonly<Record<string, readonly string[]>>;
  /** e-mail addresses that stand in its list more than once */
  readonly doubled: readonly string[];
}

/** A write as the sandbox's own log tells it. */
export interface Written {
  /** in the order of applying */
  readonly n: number;
  /** ms since 1970: when the call came in, and when it was applied or refused */
  readonly began: number;
  readonly time: number;
  readonly method: string;
  readonly id: string;
  /** 'ok': applied. Else the error, or 'fault' */
  readonly outcome: string;
  /** whether the caller was told */
  readonly answered: boolean;
  /** the request as text, metadata readable */
  readonly text: string;
}

/** The form in which the sandbox shows a user. */
interface Shown {
  readonly id: string;
  readonly username: string;
  readonly state: string;
  readonly human?: Readonly<Record<'familyName' | 'nickName' | 'email' | 'phone', string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly members: readonly { readonly organization: string; readonly roles: readonly string[] }[];
  readonly grants: readonly { readonly project: string; readonly roles: readonly string[] }[];
}

interface Line {
  readonly n: number;
  readonly began: number;
  readonly time: number;
  readonly method: string;
  readonly userId: string;
  readonly outcome: string;
  readonly answered: boolean;
  readonly request: {
    readonly metadata?: readonly Metadata[];
    readonly human?: { readonly metadata?: readonly Metadata[] };
  };
}

interface Metadata {
  readonly key: string;
  /** base64 */
  readonly value: string;
}

/** Humans of organization A. */
export async function peopleOf(sandbox: SandboxProcess): Promise<readonly Person[]> {
  const organization = sandbox.seeds.organizations.a;
  const shown = await linesOf<Shown>(sandbox, `/sandbox/users?organization=${organization}`);
  return shown.flatMap((each) => (each.human === undefined ? [] : [personOf(each, each.human, organization)]));
}

/** Metadata of the machine user that keeps the groups; {} when there is none. */
export async function holderOf(sandbox: SandboxProcess): Promise<Shown['metadata']> {
  const organization = sandbox.seeds.organizations.a;
  const shown = await linesOf<Shown>(sandbox, `/sandbox/users?organization=${organization}`);
  return shown.find(({ id }) => id === `scim-groups-${organization}`)?.metadata ?? {};
}

function personOf(user: Shown, human: NonNullable<Shown['human']>, organization: string): Person {
  const { metadata, members, grants } = user;
  const emails = emailsOf(human.email, metadata['urn:zitadel:scim:emails']);
  const set = {
    title: metadata['urn:zitadel:scim:title'] ?? '',
    nickName: human.nickName,
    phone: human.phone,
    ...Object.fromEntries(emails.map((email) => [emailAttribute(email), THERE])),
  };
  return {
    id: user.id,
    birth: human.familyName,
    values: {
      userName: user.username,
      active: String(user.state !== 'inactive'),
      ...Object.fromEntries(Object.entries(set).filter(([, value]) => value !== '')),
    },
    groups: membershipsOf(metadata),
    org: members.find((entry) => entry.organization === organization)?.roles ?? [],
    projects: Object.fromEntries(grants.map(({ project, roles }) => [project, roles])),
    doubled: emails.filter((email, at) => emails.indexOf(email) !== at),
  };
}

/** The list is kept as metadata when it says more than the one address of ZITADEL does. */
function emailsOf(primary: string, list: string | undefined): readonly string[] {
  if (list === undefined) return [primary];
  return (JSON.parse(list) as readonly { readonly value: string }[]).map(({ value }) => value);
}

/** Every write from the n-th on. */
export async function writtenAt(sandbox: Pick<SandboxProcess, 'url'>, from = 0): Promise<readonly Written[]> {
  const lines = await linesOf<Line>(sandbox, `/sandbox/log?from=${from}`);
  return lines.map(({ userId: id, request, n, began, time, method, outcome, answered }) => {
    const metadata = [...(request.metadata ?? []), ...(request.human?.metadata ?? [])];
    const readable = metadata.map(({ key, value }) => `${key}=${Buffer.from(value, 'base64').toString()}`);
    return {
      n,
      began,
      time,
      method,
      outcome,
      answered,
      id,
      text: `${JSON.stringify(request)}\n${readable.join('\n')}`,
    };
  });
}

async function linesOf<T>(sandbox: Pick<SandboxProcess, 'url'>, path: string): Promise<readonly T[]> {
  return (await textAt(sandbox, path))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

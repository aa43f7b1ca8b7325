import type { Sandbox } from '../../sandbox/server.ts';
import { SERVICES, answered, call, control } from './stage.ts';
import type { Json, Outcome } from './stage.ts';

export interface Exchange {
  readonly name: string;
  readonly service: string;
  readonly method: string;
  readonly caller: string;
  readonly headers: { readonly 'x-zitadel-orgid'?: string };
  readonly request: Json;
  readonly response?: Json;
  readonly error?: NonNullable<Outcome['error']>;
}

interface UserFacts {
  readonly id?: string;
  readonly username?: string;
  readonly organization?: string;
  readonly human?: Json;
}

let count = 0;

/** One round of one exchange: fresh ids and names, and what recorded values stand for. */
export class Scene {
  readonly sandbox: Sandbox;
  readonly exchange: Exchange;
  readonly a: string;
  readonly b: string;
  /** Recorded value -> value of this round. */
  readonly stands = new Map<string, string>();
  /** Paths of the response whose exact value follows from the set-up. */
  readonly exact = new Map<string, unknown>();

  constructor(sandbox: Sandbox, exchange: Exchange, round: number) {
    const { organizations, users } = sandbox.seeds;
    const [a, b] = round === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
    this.sandbox = sandbox;
    this.exchange = exchange;
    this.a = organizations[a];
    this.b = organizations[b];
    this.is('ORG_A', this.a);
    this.is('ORG_B', this.b);
    this.is('INSTANCE', '300000000000000000');
    this.is('SERVICE_USER_MANAGER', users[`org-${a}-manager`] ?? '');
    this.is('SERVICE_USER_NO_ROLE', users['org-a-no-role'] ?? '');
    this.is('sample-a', a === 'a' ? 'a' : 'b');
    this.is('sample-mgr', `org-${a}-manager`);
    this.is('FACTS-MGR', `ORG-${a.toUpperCase()}-MANAGER`);
    this.is('sample mgr', `org ${a} manager`);
  }

  token(): string | undefined {
    const { tokens } = this.sandbox.seeds;
    const first = this.a === this.sandbox.seeds.organizations.a;
    switch (this.exchange.caller) {
      case 'instance owner':
        return tokens.instanceOwner;
      case 'ORG_USER_MANAGER':
        return first ? tokens.managerA : tokens.managerB;
      case 'ORG_OWNER of A':
        return first ? tokens.ownerA : tokens.ownerB;
      case 'no role':
        return tokens.noRoleA;
      case 'bad token':
        return 'no-such-token';
      default:
        return undefined;
    }
  }

  is(recorded: string, value: string): void {
    this.stands.set(recorded, value);
  }

  fresh(prefix: string): string {
    count += 1;
    return `${prefix}${count}`;
  }

  /** A call of the set-up: as instance owner, and it must succeed. */
  async does(service: keyof typeof SERVICES, method: string, request: Json): Promise<Json> {
    const options = { token: this.sandbox.seeds.tokens.instanceOwner, organization: this.a };
    return answered(await call(this.sandbox, SERVICES[service], method, request, options));
  }

  control(path: string, body: Json): Promise<Json> {
    return control(this.sandbox, path, body);
  }

  /** Makes a human user. */
  async user({ id, username, organization, human }: UserFacts = {}): Promise<{ id: string; username: string }> {
    const name = username ?? this.fresh('user');
    const made = await this.does('user', 'CreateUser', {
      organizationId: organization ?? this.a,
      userId: id ?? this.fresh('id-'),
      username: name,
      human: {
        profile: { givenName: 'Gil', familyName: 'Gamma' },
        email: { email: 'gil@example.test', isVerified: true },
        ...this.in(human ?? {}),
      },
    });
    return { id: String(made.id), username: name };
  }

  /** The user the request is about. */
  async subject(facts: UserFacts = {}): Promise<string> {
    const { id } = await this.user(facts);
    this.is(String(this.exchange.request.userId), id);
    return id;
  }

  /** Makes a user that looks like one of a recorded answer, and lets the recorded ids and names stand for it. */
  async userLike(shown: Json, metadata: Json[] = [], username = this.fresh('user')): Promise<string> {
    const { profile, email, phone, passwordChanged } = shown.human as Record<string, Json>;
    const made = await this.user({
      username,
      human: {
        profile: profile ?? {},
        email: email ?? {},
        ...(phone?.phone ? { phone } : {}),
        ...(passwordChanged ? { password: { password: 'Password1!' } } : {}),
        metadata,
      },
    });
    this.is(String(shown.userId), made.id);
    this.is(String(shown.username), made.username);
    return made.id;
  }

  /** The recorded JSON with the values of this round. */
  in<T>(recorded: T): T {
    if (typeof recorded === 'string') return (this.stands.get(recorded) ?? recorded) as T;
    if (Array.isArray(recorded)) return recorded.map((one) => this.in(one)) as T;
    if (typeof recorded !== 'object' || recorded === null) return recorded;
    return Object.fromEntries(Object.entries(recorded).map(([key, value]) => [key, this.in(value)])) as T;
  }

  send(request: Json, options: { readonly host?: string } = {}): Promise<Outcome> {
    const { service, method, headers } = this.exchange;
    const organization = this.in(headers['x-zitadel-orgid']);
    return call(this.sandbox, service, method, request, { token: this.token(), organization, ...options });
  }
}

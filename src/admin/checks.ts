import type { Inspection } from '../bridge/ports/zitadel.ts';
import type { Condition } from '../bridge/ports/store.ts';
import type { RulesState, TenantState } from '../bridge/ports/operator.ts';
import { expiries, type Ending } from './expiry.ts';
import type { Findings, Level } from './findings.ts';
import { ruleText } from './groups-text.ts';
import { missing, NEEDED } from './rights.ts';
import { CONDITIONS, flagOf } from '../store/conditions.ts';
import { count, span, UNAVAILABLE, when } from './text.ts';

/** `to`: which of the row's texts says what to do; undefined: nothing needs doing */
export interface Verdict {
  readonly level: Level;
  readonly finding: string;
  readonly to?: string;
}

export interface Check {
  readonly name: string;
  /** what it checks */
  readonly looks: string;
  /** what to do, by case */
  readonly todo: Readonly<Record<string, string>>;
  readonly judge: (findings: Findings) => Verdict;
}

const ok = (finding: string): Verdict => ({ level: 'ok', finding });
const warn = (finding: string, to: string): Verdict => ({ level: 'warn', finding, to });
const fail = (finding: string, to: string): Verdict => ({ level: 'fail', finding, to });

/** At most this many rules that are off are listed with their reasons. */
const MOST_OFF = 5;

/** At most this many unreadable records are listed. */
const MOST_DAMAGED = 10;

/** Milliseconds; pending for longer needs attention. */
const OLD = 15 * 60_000;
/** Milliseconds; clocks further apart make tokens fail. */
const SKEW = 30_000;

const ASK_AGAIN = 'fix what the line "bridge", "store" or "zitadel" reports, then run doctor again';

/** A check on the store's contents. */
const ofState =
  (judge: (state: TenantState, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.state === 'string'
      ? warn('not known: the store could not be read', 'unknown')
      : judge(findings.state, findings);

/** A check on what ZITADEL reported. */
const ofZitadel =
  (judge: (inspection: Inspection, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.inspection === 'string' || !findings.inspection.user
      ? warn('not known: ZITADEL could not be asked', 'unknown')
      : judge(findings.inspection, findings);

/** A check on group rules. */
const ofRules =
  (judge: (rules: RulesState, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.rules === 'string'
      ? warn(`not known: ${findings.rules}`, 'unknown')
      : judge(findings.rules, findings);

/** Rows, of users and of groups, that wait for an operator. */
const waiting = (condition: Condition): Check['judge'] =>
  ofState(({ counts }) =>
    counts[condition] === 0
      ? ok('none')
      : fail(`${count(counts[condition], 'row')} ${CONDITIONS[condition].description}`, flagOf(condition)),
  );

const ending = ({ level, finding }: Ending): Verdict => (level === 'ok' ? ok(finding) : { level, finding, to: level });

// biome-ignore format: one row is one fact
export const CHECKS: readonly Check[] = [
  {
    name: 'config', looks: 'the settings and bridge.yaml', todo: {},
    judge: ({ setup: { zitadel, tokens, protect } }) => ok(`${zitadel?.url ?? 'the sandbox'}, ${count(tokens.length, 'SCIM token')}, ${count(protect.length, 'protected user')}`),
  },
  {
    name: 'bridge', looks: 'whether the bridge is running',
    todo: {
      down: 'start it; if it should have been running, the last lines of its log say why it stopped',
      elsewhere: 'run doctor on a machine where a process is running: only that process knows its deliveries and how ZITADEL responds',
    },
    judge: ({ offline, state }) => {
      if (!offline) return ok('running');
      const onRedis = typeof state !== 'string' && state.durability !== undefined;
      return onRedis ? warn('no process is running on this DATA_DIR; others may be running on the same Redis', 'elsewhere') : fail('no process is running on this DATA_DIR: no request is answered and nothing is delivered', 'down');
    },
  },
  {
    name: 'store', looks: 'whether the store can be read and written, and how long changes have been pending',
    todo: {
      failed: 'check the disk of DATA_DIR: space, mount, permissions. Writes are answered 503 until it works; nothing is half-written, and the bridge resumes automatically',
      old: 'see the line "deliveries"; when that is ok, `scim-bridge queue list --kind pending` shows the reason for each, and `scim-bridge queue retry --all` tries them now',
    },
    judge: ({ state, now }) => {
      if (typeof state === 'string') return fail(state, 'failed');
      const { counts: { rows, pending, inDoubt }, oldestPending, storeFailing, durability } = state;
      if (storeFailing !== undefined) return fail(storeFailing, 'failed');
      const age = oldestPending === undefined ? 0 : now - oldestPending;
      const finding = `${count(rows, 'user')}, ${pending} pending${oldestPending === undefined ? '' : ` (the oldest for ${span(age)})`}, ${inDoubt} in doubt${durability === undefined ? '' : `; Redis: ${durability}`}`;
      return age > OLD ? warn(finding, 'old') : ok(finding);
    },
  },
  {
    name: 'records', looks: 'whether the record of each user and group in the store can be read',
    todo: {
      damaged: 'check the disk and its log; restore a backup if it had pending changes, otherwise `scim-bridge queue drop ID`, which reads it from ZITADEL again. Until then it is missing from lists, its names stay reserved and requests for it are answered 503',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ damaged }) => {
      if (damaged.length === 0) return ok('all readable');
      const others = damaged.length > MOST_DAMAGED ? ` and ${damaged.length - MOST_DAMAGED} others` : '';
      return fail(`${count(damaged.length, 'damaged record')}: ${damaged.slice(0, MOST_DAMAGED).join(', ')}${others}`, 'damaged');
    }),
  },
  {
    name: 'deliveries', looks: 'whether changes can be delivered to ZITADEL now',
    todo: {
      unreachable: 'restore ZITADEL or the network path to it (see the line "zitadel"); pending changes are then delivered automatically, nothing is lost',
      rateLimited: 'nothing if it passes; otherwise lower ZITADEL_MAX_IN_FLIGHT, or raise the limits of ZITADEL',
      suspended: 'fix the token, its permissions or the address (see the lines below); pending changes are then delivered automatically, nothing is lost',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ unavailable }, { now, offline }) => {
      if (offline) return warn('not known: no bridge is running', 'unknown');
      if (unavailable === undefined) return ok('available');
      const { kind, since, reason } = unavailable;
      const finding = `${UNAVAILABLE[kind]} since ${when(since, now)}: ${reason}`;
      return kind === 'rateLimited' ? warn(finding, kind) : fail(finding, kind);
    }),
  },
  {
    name: 'zitadel', looks: 'whether ZITADEL can be reached and accepts the host name of ZITADEL_URL as its own',
    todo: { unreachable: 'check ZITADEL_URL (it must be the external domain of ZITADEL, with its port), DNS, the firewall, the proxy and the certificate; `curl $ZITADEL_URL/debug/healthz` from this machine must answer ok' },
    judge: ({ inspection, setup }) => {
      const problems = typeof inspection === 'string' ? [inspection] : inspection.problems;
      return problems.length === 0 ? ok(`${setup.zitadel?.url ?? 'it'} answers under this name`) : fail(problems.join('; '), 'unreachable');
    },
  },
  {
    name: 'token', looks: 'which ZITADEL user the bridge signs in as',
    todo: { refused: 'once ZITADEL answers: create a new token (or key) for the service user in the console, configure it in the bridge and restart' },
    judge: ({ inspection }) =>
      typeof inspection === 'string' || !inspection.user ? fail('ZITADEL did not say which user it belongs to', 'refused') : ok(`user ${inspection.user.name} (${inspection.user.id})`),
  },
  {
    name: 'organization', looks: 'whether the organization of the tenant exists and is active',
    todo: {
      none: 'check ZITADEL_ORG_ID (or `organization` in bridge.yaml), and give the service user ORG_USER_MANAGER in that organization',
      closed: 'activate the organization in the console of ZITADEL; its users cannot sign in',
      unknown: ASK_AGAIN,
    },
    judge: ofZitadel(({ organization }) => {
      if (organization === undefined) return fail('it does not exist, or the token is not permitted to see it', 'none');
      const { name, id, state } = organization;
      return state === 'active' ? ok(`${name} (${id}), active`) : fail(`${name} (${id}) is ${state}`, state === 'removed' ? 'none' : 'closed');
    }),
  },
  {
    name: 'permissions', looks: `the permissions of the token in the organization: ${NEEDED.map(({ permission }) => permission).join(', ')}`,
    todo: { missing: 'give the service user the role ORG_USER_MANAGER in the organization', unknown: ASK_AGAIN },
    judge: ofZitadel(({ permissions }, { setup }) => {
      const lacking = missing(permissions, setup.passwords === 'set');
      if (lacking.length === 0) return ok('all that are needed');
      return fail(`missing: ${lacking.map((row) => `${row.permission} (${row.for})`).join(', ')}`, 'missing');
    }),
  },
  {
    name: 'sight', looks: 'whether the token can see the users that must not be locked out: holders of instance roles, and owners of the organization',
    todo: { blind: 'list the ids of administrators in this organization under `protect` in bridge.yaml; or also give the service user ORG_OWNER_VIEWER (and IAM_OWNER_VIEWER)', unknown: ASK_AGAIN },
    judge: ofZitadel(({ sees }, { setup }) => {
      const unseen = [...(sees.instanceRoles ? [] : ['holders of instance roles']), ...(sees.organizationRoles ? [] : ['owners of the organization'])];
      if (unseen.length === 0) return ok('administrators are visible and protected');
      const finding = `the token does not see ${unseen.join(' and ')}`;
      return setup.protect.length > 0 ? ok(`${finding}; ${count(setup.protect.length, 'user')} under protect`) : warn(finding, 'blind');
    }),
  },
  {
    name: 'clock', looks: `whether the clocks of this machine and of ZITADEL agree to within ${SKEW / 1000} s`,
    todo: { skew: 'synchronise the clock of this machine (or of ZITADEL) by NTP: signed tokens fail when clocks differ', unknown: ASK_AGAIN },
    judge: ofZitadel(({ clockSkew }) => {
      if (clockSkew === undefined) return ok('ZITADEL does not report its time');
      const finding = `the clock of ZITADEL is ${(Math.abs(clockSkew) / 1000).toFixed(1)} s ${clockSkew < 0 ? 'behind' : 'ahead'}`;
      return Math.abs(clockSkew) > SKEW ? warn(finding, 'skew') : ok(finding);
    }),
  },
  {
    name: 'credential', looks: 'whether the credential for ZITADEL expires within 14 days',
    todo: {
      warn: 'create a new one in the console of ZITADEL, configure it in the bridge and restart before that day',
      fail: 'create a new one in the console of ZITADEL, configure it in the bridge and restart',
    },
    judge: ({ inspection, now }) =>
      ending(expiries([{ name: 'the credential', expires: typeof inspection === 'string' ? undefined : inspection.expires }], now, 'no expiry known')),
  },
  {
    name: 'scim tokens', looks: 'whether a token of the identity provider expires within 14 days',
    todo: {
      warn: 'create a new one (`scim-bridge token`), add it in bridge.yaml, restart, and enter it in the identity provider before that day',
      fail: 'create a new one (`scim-bridge token`), add it in bridge.yaml, restart, and enter it in the identity provider; its requests are refused until then',
    },
    judge: ({ setup, now }) => ending(expiries(setup.tokens, now, 'none expires soon')),
  },
  {
    name: 'sync', looks: 'whether syncs with ZITADEL finish',
    todo: {
      never: 'see the lines above; until the first sync has finished, requests are answered 503',
      failed: 'see the lines above; it is retried automatically, and `scim-bridge sync` tries it now',
      kept: 'check ZITADEL, the organization and the permissions of the token; if the users are really gone: `scim-bridge sync --accept-removals`',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ sync: { finished, running, last } }, { now }) => {
      const finding = finished === null ? 'none has finished yet' : `last finished ${when(finished, now)}`;
      if (last?.kind === 'failed') return (finished === null ? fail : warn)(`${finding}; the last one failed: ${last.reason}`, finished === null ? 'never' : 'failed');
      if (finished === null) return running ? warn(`${finding}; the first one is running`, 'never') : fail(finding, 'never');
      if (last?.kind === 'finished' && last.keptKeys > 0) return warn(`${finding}; ${count(last.keptKeys, 'user')} in unknown groups, too many to remove without confirmation`, 'kept');
      if (last?.kind === 'finished' && last.kept > 0) return warn(`${finding}; ${count(last.kept, 'user')} missing in ZITADEL, too many to remove without confirmation`, 'kept');
      return ok(finding);
    }),
  },
  {
    name: 'rules', looks: 'group rules that are off and grant nothing',
    todo: { off: 'give the service user the role that has the permission, or create in ZITADEL what the rule names: each sync checks again; otherwise correct the rule in bridge.yaml, restart and run `scim-bridge groups apply`', unknown: ASK_AGAIN },
    judge: ofRules(({ rules }, { offline }) => {
      const off = rules.filter((rule) => rule.off !== undefined);
      // only a running bridge asks ZITADEL which rules are possible
      if (offline && rules.length > 0) return warn(`${count(rules.length, 'rule')}; whether any is off is not known: no bridge is running`, 'unknown');
      if (off.length === 0) return ok(rules.length === 0 ? 'none: groups grant no rights' : `${count(rules.length, 'rule')} in force`);
      const others = off.length > MOST_OFF ? `; and ${off.length - MOST_OFF} others` : '';
      return fail(`${off.length} of ${count(rules.length, 'rule')}: ${off.slice(0, MOST_OFF).map(ruleText).join('; ')}${others}`, 'off');
    }),
  },
  {
    name: 'groups', looks: 'whether the rules of bridge.yaml are in force for every group',
    todo: {
      cut: 'if no other run is active, `scim-bridge groups apply` resumes where it stopped',
      differs: '`scim-bridge groups plan` shows what bridge.yaml would grant and revoke, `scim-bridge groups apply` puts it in force',
      unconfirmed: 'nothing if the identity provider pushes them again; otherwise `scim-bridge groups plan`, then `scim-bridge groups apply` to trust all of them',
      unknown: ASK_AGAIN,
    },
    judge: ofRules(({ differs, first, unconfirmed, applying }) => {
      const findings = [
        ...(applying === null ? [] : [`\`groups apply\` is running or was interrupted, after ${count(applying.users, 'user')}`]),
        ...(differs ? ['the rules in force are not those of bridge.yaml'] : []),
        ...(unconfirmed.length === 0 ? [] : [`${count(unconfirmed.length, 'group')} read from ZITADEL and not trusted yet: rights are kept, none are granted`]),
      ];
      const gentle = first ? '; before the first `groups apply` they revoke nothing that they did not grant' : '';
      if (findings.length === 0) return ok(`the rules in force are those of bridge.yaml, and every group is trusted${gentle}`);
      return warn(findings.join('; '), applying !== null ? 'cut' : differs ? 'differs' : 'unconfirmed');
    }),
  },
  {
    name: 'blocked', looks: 'users and groups that the token is not permitted to change',
    todo: { blocked: '`scim-bridge queue list --kind blocked` says why; give the service user the permission named there, then `scim-bridge queue retry --all --kind blocked`', unknown: ASK_AGAIN },
    judge: waiting('blocked'),
  },
  {
    name: 'dead letters', looks: 'acknowledged changes that ZITADEL refused for good',
    todo: { 'dead-letter': '`scim-bridge queue list --kind dead-letter` says why, `scim-bridge queue show ID` what; fix the cause and run `scim-bridge queue retry ID`, or `scim-bridge queue drop ID`', unknown: ASK_AGAIN },
    judge: waiting('deadLetter'),
  },
  {
    name: 'on hold', looks: 'changes requested before a long downtime of the bridge (HOLD_AFTER), or before a restored backup',
    todo: { 'on-hold': '`scim-bridge queue show ID` compares them with ZITADEL; if still wanted: `scim-bridge queue release ID` (or --all); if not: `scim-bridge queue drop ID`', unknown: ASK_AGAIN },
    judge: waiting('onHold'),
  },
  {
    name: 'hidden', looks: "users that ZITADEL's commands know and its reads do not show: they cannot sign in",
    todo: { hidden: '`scim-bridge queue list --kind hidden` lists them. Rebuild the user projections in ZITADEL (see projections in its documentation); or run `scim-bridge user recreate ID`, which deletes the user and creates it under a new id. SCIM changes are delivered to them meanwhile', unknown: ASK_AGAIN },
    judge: waiting('hidden'),
  },
];

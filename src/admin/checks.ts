import type { Inspection } from '../bridge/ports/zitadel.ts';
import type { RulesState, TenantState } from '../bridge/ports/operator.ts';
import { expiries, type Ending } from './expiry.ts';
import type { Findings, Level } from './findings.ts';
import { ruleText } from './groups-text.ts';
import { missing, NEEDED } from './rights.ts';
import { count, span, when } from './text.ts';

/** `to`: which of the row's texts says what to do; undefined: nothing is to be done */
export interface Verdict {
  readonly level: Level;
  readonly finding: string;
  readonly to?: string;
}

export interface Check {
  readonly name: string;
  /** what it looks at */
  readonly looks: string;
  /** what to do, by the case it is for */
  readonly todo: Readonly<Record<string, string>>;
  readonly judge: (findings: Findings) => Verdict;
}

const ok = (finding: string): Verdict => ({ level: 'ok', finding });
const warn = (finding: string, to: string): Verdict => ({ level: 'warn', finding, to });
const fail = (finding: string, to: string): Verdict => ({ level: 'fail', finding, to });

/** Rules that are off are told with their reasons up to this number. */
const MOST_OFF = 5;

/** Records that cannot be read are named up to this number. */
const MOST_DAMAGED = 10;

/** Owed for longer than this is worth a look, ms. */
const OLD = 15 * 60_000;
/** Clocks further apart make tokens fail, ms. */
const SKEW = 30_000;

const ASK_AGAIN = 'mend what the line "bridge", "store" or "zitadel" says, then run doctor again';

/** A check on what the store holds. */
const ofState =
  (judge: (state: TenantState, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.state === 'string'
      ? warn('not known: the store could not be read', 'unknown')
      : judge(findings.state, findings);

/** A check on what ZITADEL said. */
const ofZitadel =
  (judge: (inspection: Inspection, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.inspection === 'string' || !findings.inspection.user
      ? warn('not known: ZITADEL could not be asked', 'unknown')
      : judge(findings.inspection, findings);

/** A check on the rules of groups. */
const ofRules =
  (judge: (rules: RulesState, findings: Findings) => Verdict): Check['judge'] =>
  (findings) =>
    typeof findings.rules === 'string'
      ? warn(`not known: ${findings.rules}`, 'unknown')
      : judge(findings.rules, findings);

/** Rows, of users and of groups, that wait for an operator. */
const waiting = (condition: 'dead' | 'held' | 'blocked' | 'hidden', what: string): Check['judge'] =>
  ofState(({ counts }) =>
    counts[condition] === 0 ? ok('none') : fail(`${count(counts[condition], 'row')} ${what}`, condition),
  );

const ending = ({ level, finding }: Ending): Verdict => (level === 'ok' ? ok(finding) : { level, finding, to: level });

// biome-ignore format: one row is one fact
export const CHECKS: readonly Check[] = [
  {
    name: 'config', looks: 'the settings and bridge.yaml', todo: {},
    judge: ({ setup: { zitadel, tokens, protect } }) => ok(`${zitadel?.url ?? 'the sandbox'}, ${count(tokens.length, 'SCIM token')}, ${count(protect.length, 'protected user')}`),
  },
  {
    name: 'bridge', looks: 'whether it runs',
    todo: {
      down: 'start it; when it should have been running, the last lines of its log say why it ended',
      elsewhere: 'run doctor where a process runs: only that knows what it delivers and how its ZITADEL answers',
    },
    judge: ({ offline, state }) => {
      if (!offline) return ok('runs');
      const onRedis = typeof state !== 'string' && state.durability !== undefined;
      return onRedis ? warn('none runs on this DATA_DIR; others may run on the same Redis', 'elsewhere') : fail('none runs on this DATA_DIR: nothing is answered or delivered', 'down');
    },
  },
  {
    name: 'store', looks: 'whether the store can be read, and how long changes have been owed',
    todo: {
      failed: 'look at the disk of DATA_DIR: space, mount, rights. Writes are answered 503 until it works; nothing is half-written, and it goes on by itself',
      old: 'see the line "deliveries"; when that is ok, `scim-bridge queue list --kind owed` shows the reason of each, and `scim-bridge queue retry --all` tries them now',
    },
    judge: ({ state, now }) => {
      if (typeof state === 'string') return fail(state, 'failed');
      const { counts: { rows, owed, doubt }, oldestOwed, storeFailing, durability } = state;
      if (storeFailing !== undefined) return fail(storeFailing, 'failed');
      const age = oldestOwed === undefined ? 0 : now - oldestOwed;
      const finding = `${count(rows, 'user')}, owed ${owed}${oldestOwed === undefined ? '' : ` (the oldest for ${span(age)})`}, doubt ${doubt}${durability === undefined ? '' : `; Redis: ${durability}`}`;
      return age > OLD ? warn(finding, 'old') : ok(finding);
    },
  },
  {
    name: 'records', looks: 'whether the record of each user and group in the store can be read',
    todo: {
      damaged: 'look at the disk and its log; restore a backup when something was owed, else `scim-bridge queue drop ID`: it is read from ZITADEL again. Until then it is in no list, its names stay reserved and requests for it are answered 503',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ damaged }) => {
      if (damaged.length === 0) return ok('all that were read');
      const others = damaged.length > MOST_DAMAGED ? ` and ${damaged.length - MOST_DAMAGED} others` : '';
      return fail(`${count(damaged.length, 'damaged record')}: ${damaged.slice(0, MOST_DAMAGED).join(', ')}${others}`, 'damaged');
    }),
  },
  {
    name: 'deliveries', looks: 'whether changes are sent to ZITADEL now',
    todo: {
      away: 'bring ZITADEL or the way to it back (see the line "zitadel"); what is owed is then delivered by itself, nothing is lost',
      limited: 'nothing, when it passes by itself; else lower ZITADEL_MAX_IN_FLIGHT, or raise the limits of ZITADEL',
      blocked: 'mend the token, its rights or the address (see the lines below); what is owed is then delivered by itself, nothing is lost',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ shut }, { now, offline }) => {
      if (offline) return warn('not known: no bridge runs', 'unknown');
      if (shut === undefined) return ok('they go out');
      const finding = `shut (${shut.kind}) since ${when(shut.since, now)}: ${shut.reason}`;
      return shut.kind === 'limited' ? warn(finding, shut.kind) : fail(finding, shut.kind);
    }),
  },
  {
    name: 'zitadel', looks: 'whether ZITADEL can be reached, and knows the host name of ZITADEL_URL as its own',
    todo: { unreachable: 'check ZITADEL_URL (it must be the external domain of ZITADEL, with its port), DNS, the firewall, the proxy and the certificate; `curl $ZITADEL_URL/debug/healthz` from this machine must answer ok' },
    judge: ({ inspection, setup }) => {
      const problems = typeof inspection === 'string' ? [inspection] : inspection.problems;
      return problems.length === 0 ? ok(`${setup.zitadel?.url ?? 'it'} answers by this name`) : fail(problems.join('; '), 'unreachable');
    },
  },
  {
    name: 'token', looks: 'who the bridge is in ZITADEL',
    todo: { refused: 'when ZITADEL answers: make a new token (or key) for the service user in the console, give it to the bridge, restart it' },
    judge: ({ inspection }) =>
      typeof inspection === 'string' || !inspection.user ? fail('ZITADEL did not say whose it is', 'refused') : ok(`it is the user ${inspection.user.name} (${inspection.user.id})`),
  },
  {
    name: 'organization', looks: 'whether the organization of the tenant is there and active',
    todo: {
      none: 'check ZITADEL_ORG_ID (or `organization` in bridge.yaml), and give the service user ORG_USER_MANAGER in that organization',
      closed: 'activate the organization in the console of ZITADEL; nobody in it can sign in',
      unknown: ASK_AGAIN,
    },
    judge: ofZitadel(({ organization }) => {
      if (organization === undefined) return fail('it does not exist, or the token may not see it', 'none');
      const { name, id, state } = organization;
      return state === 'active' ? ok(`${name} (${id}), active`) : fail(`${name} (${id}) is ${state}`, state === 'removed' ? 'none' : 'closed');
    }),
  },
  {
    name: 'permissions', looks: `the permissions of the token in the organization: ${NEEDED.map(({ permission }) => permission).join(', ')}`,
    todo: { missing: 'give the service user the role ORG_USER_MANAGER in the organization', unknown: ASK_AGAIN },
    judge: ofZitadel(({ permissions }, { setup }) => {
      const lacking = missing(permissions, setup.passwords === 'set');
      if (lacking.length === 0) return ok('all that is needed');
      return fail(`missing: ${lacking.map((row) => `${row.permission} (${row.for})`).join(', ')}`, 'missing');
    }),
  },
  {
    name: 'sight', looks: 'whether the token sees whom nobody must lock out: holders of instance roles, and owners of the organization',
    todo: { blind: 'list the ids of administrators in this organization under `protect` in bridge.yaml; or give the service user ORG_OWNER_VIEWER (and IAM_OWNER_VIEWER) as well', unknown: ASK_AGAIN },
    judge: ofZitadel(({ sees }, { setup }) => {
      const unseen = [...(sees.instanceRoles ? [] : ['holders of instance roles']), ...(sees.organizationRoles ? [] : ['owners of the organization'])];
      if (unseen.length === 0) return ok('administrators are seen and guarded');
      const finding = `the token does not see ${unseen.join(' and ')}`;
      return setup.protect.length > 0 ? ok(`${finding}; ${count(setup.protect.length, 'user')} under protect`) : warn(finding, 'blind');
    }),
  },
  {
    name: 'clock', looks: `whether the clocks of this machine and of ZITADEL agree within ${SKEW / 1000} s`,
    todo: { skew: 'set the clock of this machine (or of ZITADEL) by NTP: signed tokens fail when clocks differ', unknown: ASK_AGAIN },
    judge: ofZitadel(({ clockSkew }) => {
      if (clockSkew === undefined) return ok('ZITADEL does not say its time');
      const finding = `that of ZITADEL is ${(Math.abs(clockSkew) / 1000).toFixed(1)} s ${clockSkew < 0 ? 'behind' : 'ahead'}`;
      return Math.abs(clockSkew) > SKEW ? warn(finding, 'skew') : ok(finding);
    }),
  },
  {
    name: 'credential', looks: 'whether the credential for ZITADEL ends within 14 days',
    todo: {
      warn: 'make a new one in the console of ZITADEL, give it to the bridge and restart it before that day',
      fail: 'make a new one in the console of ZITADEL, give it to the bridge and restart it',
    },
    judge: ({ inspection, now }) =>
      ending(expiries([{ name: 'the credential', expires: typeof inspection === 'string' ? undefined : inspection.expires }], now, 'no end is known')),
  },
  {
    name: 'scim tokens', looks: 'whether a token of the identity provider ends within 14 days',
    todo: {
      warn: 'make a new one (`scim-bridge token`), add it in bridge.yaml, restart, and enter it in the identity provider before that day',
      fail: 'make a new one (`scim-bridge token`), add it in bridge.yaml, restart, and enter it in the identity provider; its requests are refused until then',
    },
    judge: ({ setup, now }) => ending(expiries(setup.tokens, now, 'none ends soon')),
  },
  {
    name: 'sync', looks: 'whether the users are compared with those of ZITADEL',
    todo: {
      never: 'see the lines above; until the first sync has finished, requests are answered 503',
      failed: 'see the lines above; it is tried again by itself, and `scim-bridge sync` tries it now',
      kept: 'check ZITADEL, the organization and the rights of the token; when the users are truly gone: `scim-bridge sync --accept-removals`',
      unknown: ASK_AGAIN,
    },
    judge: ofState(({ sync: { finished, running, last } }, { now }) => {
      const finding = finished === null ? 'none ever finished' : `last finished ${when(finished, now)}`;
      if (last?.kind === 'failed') return (finished === null ? fail : warn)(`${finding}; the last one failed: ${last.reason}`, finished === null ? 'never' : 'failed');
      if (finished === null) return running ? warn(`${finding}; the first one runs`, 'never') : fail(finding, 'never');
      if (last?.kind === 'finished' && last.keptKeys > 0) return warn(`${finding}; ${count(last.keptKeys, 'user')} in groups that nobody knows, too many to take out unasked`, 'kept');
      if (last?.kind === 'finished' && last.kept > 0) return warn(`${finding}; ${count(last.kept, 'user')} missing in ZITADEL, too many to take away unasked`, 'kept');
      return ok(finding);
    }),
  },
  {
    name: 'rules', looks: 'rules of groups that are off and give nothing',
    todo: { off: 'give the service user the role that has the permission, or make in ZITADEL what the rule names: each sync looks again; else correct the rule in bridge.yaml, restart and `scim-bridge groups apply`', unknown: ASK_AGAIN },
    judge: ofRules(({ rules }, { offline }) => {
      const off = rules.filter((rule) => rule.off !== undefined);
      // only a bridge that runs asks ZITADEL which rules can be carried out
      if (offline && rules.length > 0) return warn(`${count(rules.length, 'rule')}; whether one is off is not known: no bridge runs`, 'unknown');
      if (off.length === 0) return ok(rules.length === 0 ? 'none: groups give no rights' : `${count(rules.length, 'rule')} in force`);
      const others = off.length > MOST_OFF ? `; and ${off.length - MOST_OFF} others` : '';
      return fail(`${off.length} of ${count(rules.length, 'rule')}: ${off.slice(0, MOST_OFF).map(ruleText).join('; ')}${others}`, 'off');
    }),
  },
  {
    name: 'groups', looks: 'whether the rules of bridge.yaml are in force for every group',
    todo: {
      cut: 'when no other runs: `scim-bridge groups apply` goes on where it stopped',
      differs: '`scim-bridge groups plan` says what bridge.yaml would give and take, `scim-bridge groups apply` puts it in force',
      unconfirmed: 'nothing, when the identity provider pushes them again; else `scim-bridge groups plan`, and `scim-bridge groups apply` confirms all of them',
      unknown: ASK_AGAIN,
    },
    judge: ofRules(({ differs, first, unconfirmed, applying }) => {
      const findings = [
        ...(applying === null ? [] : [`\`groups apply\` is under way or was cut off, after ${count(applying.users, 'user')}`]),
        ...(differs ? ['the rules in force are not those of bridge.yaml'] : []),
        ...(unconfirmed.length === 0 ? [] : [`${count(unconfirmed.length, 'group')} read from ZITADEL, not confirmed: rights are kept, none are given`]),
      ];
      const gentle = first ? '; before the first `groups apply` they take nothing away that they did not give' : '';
      if (findings.length === 0) return ok(`the rules in force are those of bridge.yaml, and every group is confirmed${gentle}`);
      return warn(findings.join('; '), applying !== null ? 'cut' : differs ? 'differs' : 'unconfirmed');
    }),
  },
  {
    name: 'blocked', looks: 'users and groups that the token may not change',
    todo: { blocked: '`scim-bridge queue list --kind blocked` says why; give the service user the right that is named, then `scim-bridge queue retry --all --kind blocked`', unknown: ASK_AGAIN },
    judge: waiting('blocked', 'wait for a permission'),
  },
  {
    name: 'dead', looks: 'changes that were answered and that ZITADEL then refused for good',
    todo: { dead: '`scim-bridge queue list --kind dead` says why, `scim-bridge queue show ID` what; mend the cause and `scim-bridge queue retry ID`, or `scim-bridge queue drop ID`', unknown: ASK_AGAIN },
    judge: waiting('dead', 'with a change that ZITADEL refused for good'),
  },
  {
    name: 'held', looks: 'changes asked before a long sleep of the bridge (HOLD_AFTER), or before a restored backup',
    todo: { held: '`scim-bridge queue show ID` compares them with ZITADEL; still wanted: `scim-bridge queue release ID` (or --all); no more: `scim-bridge queue drop ID`', unknown: ASK_AGAIN },
    judge: waiting('held', 'with a change from before a long sleep'),
  },
  {
    name: 'hidden', looks: 'users that the reads of ZITADEL have lost while its commands know them: they cannot sign in',
    todo: { hidden: '`scim-bridge queue list --kind hidden` names them. Rebuild the projections of users in ZITADEL (its documentation: projections); or `scim-bridge user recreate ID`, which deletes the user and creates it under a new id. What SCIM asks of them is delivered meanwhile', unknown: ASK_AGAIN },
    judge: waiting('hidden', 'whose user ZITADEL does not show any more'),
  },
];

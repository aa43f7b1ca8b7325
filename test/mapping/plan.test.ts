import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INACTIVE_MARK, isActive, LOCKED_MARK } from '../../src/mapping/codecs.ts';
import type { Facts } from '../../src/mapping/facts.ts';
import { plan } from '../../src/mapping/plan.ts';
import { toFacts } from '../../src/mapping/users.ts';
import { arbitraryUser } from './arbitrary-user.ts';
import { applyStep } from './zitadel-model.ts';

const wanted = arbitraryUser.map((user) => toFacts(user, 'id'));
/** ZITADEL's side: any state, with the marks the bridge may have left. */
const confirmed = fc
  .tuple(wanted, fc.constantFrom('active', 'inactive', 'locked', 'initial'), fc.boolean(), fc.boolean())
  .map(
    ([facts, state, inactive, locked]): Facts => ({
      ...facts,
      state,
      ...(inactive && (state === 'locked' || state === 'initial') ? { [INACTIVE_MARK]: 'true' } : {}),
      ...(locked && !inactive && state !== 'initial' ? { [LOCKED_MARK]: 'true' } : {}),
    }),
  );

/** What a client asked for, without ZITADEL's own state and the bridge's marks. */
function asked(facts: Facts | null): unknown {
  if (facts === null) return null;
  const { state: _state, password: _password, [INACTIVE_MARK]: _inactive, [LOCKED_MARK]: _locked, ...rest } = facts;
  return { ...rest, active: isActive(facts) };
}

test('plan(x, x) is empty', () => {
  fc.assert(fc.property(wanted, (facts) => assert.deepEqual(plan(facts, facts), [])));
});

test('running plan(a, b), or any prefix of it and planning again, ends in b', () => {
  fc.assert(
    fc.property(
      fc.option(confirmed, { nil: null }),
      fc.option(wanted, { nil: null }),
      fc.array(fc.nat(5), { maxLength: 4 }),
      (a, b, cuts) => {
        let now = a;
        for (const cut of cuts) for (const step of plan(now, b).slice(0, cut)) now = applyStep(now, step);
        for (const step of plan(now, b)) now = applyStep(now, step);
        assert.deepEqual(asked(now), asked(b));
        assert.deepEqual(plan(now, b), []);
      },
    ),
    { numRuns: 1000 },
  );
});

test('facts that are not believed are sent, and nothing else of the plan changes', () => {
  fc.assert(
    fc.property(confirmed, wanted, (a, b) => {
      const unknown = new Set(['state', 'username', 'urn:zitadel:scim:title']);
      let now: Facts | null = a;
      for (const step of plan(a, b, { unknown })) now = applyStep(now, step);
      assert.deepEqual(asked(now), asked(b));
    }),
  );
});

test('a user last seen locked is never unlocked by active=true', () => {
  fc.assert(
    fc.property(wanted, (facts) => {
      const locked = { ...facts, state: 'locked' };
      const steps = plan(locked, { ...facts, state: 'active' }, { unknown: new Set(['state']) });
      assert.ok(steps.every((step) => step.call !== 'UnlockUser' && step.call !== 'ReactivateUser'));
    }),
  );
});

test('deactivating a locked user and activating it again ends locked, however often it is cut short', () => {
  fc.assert(
    fc.property(wanted, fc.nat(3), fc.nat(3), (facts, down, up) => {
      let now: Facts | null = { ...facts, state: 'locked' };
      const go = (state: string, cut: number): void => {
        const to = { ...facts, state };
        for (const step of plan(now, to).slice(0, cut)) now = applyStep(now, step);
        for (const step of plan(now, to)) now = applyStep(now, step);
      };
      go('inactive', down);
      assert.equal(now['state'], 'inactive');
      go('active', up);
      assert.deepEqual(now, { ...facts, state: 'locked' });
    }),
  );
});

test('a leaver is deactivated before anything else is touched', () => {
  fc.assert(
    fc.property(wanted, wanted, (a, b) => {
      const steps = plan({ ...a, state: 'active' }, { ...b, state: 'inactive' });
      assert.equal(steps[0]?.call, 'DeactivateUser');
    }),
  );
});

test('only what is needed is called', () => {
  const ada = toFacts(
    { userName: 'ada', name: { givenName: 'Ada', familyName: 'Lovelace' }, nickName: 'A', displayName: 'Ada' },
    'id',
  );
  const calls = (to: Facts): string[] => plan(ada, to).map((step) => step.call);
  assert.deepEqual(calls({ ...ada, 'urn:zitadel:scim:title': 'Countess' }), ['SetUserMetadata']);
  assert.deepEqual(calls({ ...ada, state: 'inactive' }), ['DeactivateUser']);
  assert.deepEqual(calls({ ...ada, username: 'ada2', phone: '+41791234567' }), ['UpdateUser']);
  const { nickName: _nickName, ...cleared } = ada;
  assert.deepEqual(calls(cleared), ['UpdateHumanUser']);
  assert.deepEqual(
    plan(null, ada).map((step) => step.call),
    ['CreateUser'],
  );
  assert.deepEqual(
    plan(null, { ...ada, state: 'inactive' }).map((step) => step.call),
    ['CreateUser', 'DeactivateUser'],
  );
});

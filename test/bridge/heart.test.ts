import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Fate, REFUSED } from './fake-zitadel.ts';
import { type Setting, settings, statusOf } from './setting.ts';

const setUp = settings();

type Wish = { readonly title: string } | { readonly active: boolean } | { readonly userName: string };

const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.constantFrom('a', 'b', 'c', REFUSED).map((title) => ({ title })),
  fc.boolean().map((active) => ({ active })),
  fc.constantFrom('ann', 'bob').map((userName) => ({ userName })),
);
const fate: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Fate>('ok') },
  { weight: 3, arbitrary: fc.constantFrom<Fate>('unsent', 'lost', 'applied') },
);

/** The values that a fact may have in the end: the last answered one, or one that was asked later and answered 503. */
type Possible = Map<string, Set<unknown>>;

/** Asks for all changes of a round at once; of those to one attribute each may be the last. */
async function ask({ tenant, ctx }: Setting, id: string, round: readonly Wish[], possible: Possible): Promise<void> {
  const answers = await Promise.all(
    round.map(async (change) => {
      const [name = ''] = Object.keys(change);
      const apply = (base: object) => ({ user: { ...base, ...change }, touched: [name] });
      const status = await tenant.users.edit(ctx, id, { method: 'PATCH', apply }).then(() => 200, statusOf);
      return { name, value: Object.values(change)[0] as unknown, status };
    }),
  );
  for (const name of new Set(answers.map((each) => each.name))) {
    const ours = answers.filter((each) => each.name === name);
    const before = ours.some(({ status }) => status === 200) ? [] : (possible.get(name) ?? []);
    possible.set(name, new Set([...before, ...ours.filter(({ status }) => status !== 400).map(({ value }) => value)]));
  }
}

test('creates: one id is never created twice, a repeat gets the same user, what was answered 201 is there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (fates, tries) => {
      const setting = setUp();
      const { tenant, ctx, zitadel } = setting;
      setting.fates.push(...fates);
      const made = new Set<string>();
      for (let n = 0; n < tries; n += 1) {
        const answer = await tenant.users
          .create(ctx, { user: { userName: 'ada', title: 'x' }, hash: 'h' })
          .catch(statusOf);
        if (typeof answer !== 'number') {
          made.add(answer.resource.id);
          answer.ended(false); // the answer is lost on the way
        } else assert.equal(answer, 503);
      }
      await setting.drain();
      assert.ok(zitadel.people.size <= 1, 'a twin');
      assert.ok(made.size <= 1);
      for (const id of made) assert.ok(zitadel.people.has(id));
      for (const id of zitadel.people.keys()) assert.equal((await tenant.users.get(ctx, id)).user['title'], 'x');
    }),
    { numRuns: 40 },
  );
});

test('a leaver is never revived: after an answered DELETE the user is gone, whatever was on its way', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wish, { maxLength: 3 }), fc.array(fate, { maxLength: 12 }), async (round, fates) => {
      const setting = setUp();
      const { tenant, ctx, zitadel } = setting;
      const { resource } = await tenant.users.create(ctx, { user: { userName: 'ada' }, hash: 'h' });
      setting.fates.push(...fates);
      const asked = ask(setting, resource.id, round, new Map()).catch(statusOf);
      const status = await tenant.users.remove(ctx, resource.id).then(() => 204, statusOf);
      await asked;
      await setting.drain();
      if (status === 204) assert.equal(zitadel.people.has(resource.id), false);
      assert.equal(
        await tenant.users.get(ctx, resource.id).then(() => 200, statusOf),
        zitadel.people.has(resource.id) ? 200 : 404,
      );
    }),
    { numRuns: 300 },
  );
});

/** Lists of the organization's humans. They lag 5-500 ms behind writes (measured). */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { TextQueryMethod } from '@zitadel/proto/zitadel/object/v2/object_pb.js';
import { type SearchQuerySchema, Type, UserFieldName } from '@zitadel/proto/zitadel/user/v2/query_pb.js';
import type { Reading, Zitadel } from '../bridge/ports/zitadel.ts';
import type { Lane } from './bulkhead.ts';
import type { Call } from './caller.ts';
import { must, unreadable } from './outcome.ts';
import { PAGE } from './pages.ts';
import { readingOf } from './readings.ts';
import type { Users } from './steps.ts';

type Query = MessageInitShape<typeof SearchQuerySchema>;

/** Longest text that a query accepts; longer values are rejected, and no user has one. */
const LONGEST = 200;
/** Many users may share an address; a name is unique. */
const HITS = 100;

export function createDirectory(call: Call, users: Users, organization: string): Pick<Zitadel, 'find' | 'users'> {
  // the organization header does not narrow a list (measured): the filter does
  const here: readonly Query[] = [
    { query: { case: 'organizationIdQuery', value: { organizationId: organization } } },
    { query: { case: 'typeQuery', value: { type: Type.HUMAN } } },
  ];

  /** By default ZITADEL sorts by id, the only order that no write disturbs. */
  const list = (queries: readonly Query[], offset: number, limit: number, lane: Lane) =>
    call({ name: 'ListUsers', effect: 'read', lane }, (options) =>
      users.listUsers(
        {
          query: { offset: BigInt(offset), limit, asc: true },
          sortingColumn: UserFieldName.UNSPECIFIED,
          queries: [...here, ...queries],
        },
        options,
      ),
    );

  return {
    async find(by, value) {
      if (value === '' || value.length > LONGEST) return [];
      const result = await list([matching(by, value)], 0, HITS, 'request');
      if (result.kind === 'failed') return unreadable(result.failure);
      return must(result).result.flatMap((user) => readingOf(user, organization)?.id ?? []);
    },

    async *users() {
      for (let offset = 0; ; offset += PAGE) {
        const { result } = must(await list([], offset, PAGE, 'sync'));
        const readings: Reading[] = [];
        for (const user of result) {
          const reading = readingOf(user, organization);
          if (reading !== undefined) readings.push(reading);
        }
        if (readings.length > 0) yield readings;
        if (result.length < PAGE) return;
      }
    },
  };
}

function matching(by: 'userName' | 'email', value: string): Query {
  const method = TextQueryMethod.EQUALS_IGNORE_CASE;
  return by === 'userName'
    ? { query: { case: 'userNameQuery', value: { userName: value, method } } }
    : { query: { case: 'emailQuery', value: { emailAddress: value, method } } };
}

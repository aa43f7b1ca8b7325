import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ListDetailsSchema, ObjectDetailsSchema } from '@zitadel/proto/zitadel/object_pb.js';
import { timestamp } from '../clock.ts';

interface Dated {
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
}

/** Details as v1 gives them: an add shows the creation date, an update the change date, a query both. */
export function v1Details(
  { sequence, created, changed }: Dated,
  resourceOwner: string,
  dates: 'add' | 'update' | 'query',
): MessageInitShape<typeof ObjectDetailsSchema> {
  return {
    sequence: BigInt(sequence),
    resourceOwner,
    ...(dates === 'update' ? {} : { creationDate: timestamp(created) }),
    ...(dates === 'add' ? {} : { changeDate: timestamp(changed) }),
  };
}

export function v1List(total: number, stamp: number): MessageInitShape<typeof ListDetailsSchema> {
  return { totalResult: BigInt(total), viewTimestamp: timestamp(stamp) };
}

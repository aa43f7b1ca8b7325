import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ObjectDetailsSchema } from '@zitadel/proto/zitadel/object_pb.js';
import { timestamp } from '../clock.ts';

interface Dated {
  readonly sequence: number;
  readonly created: number;
  readonly changed: number;
}

/** Details as the queries of v1 give them. */
export function v1Details(
  { sequence, created, changed }: Dated,
  resourceOwner: string,
): MessageInitShape<typeof ObjectDetailsSchema> {
  return {
    sequence: BigInt(sequence),
    resourceOwner,
    creationDate: timestamp(created),
    changeDate: timestamp(changed),
  };
}

import { clone, create, createFileRegistry } from '@bufbuild/protobuf';
import type { DescFile, DescService } from '@bufbuild/protobuf';
import {
  EnumDescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import type { FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { file_zitadel_filter_v2_filter } from '@zitadel/proto/zitadel/filter/v2/filter_pb.js';
import { file_zitadel_user_v2_query } from '@zitadel/proto/zitadel/user/v2/query_pb.js';
import { UserService } from '@zitadel/proto/zitadel/user/v2/user_service_pb.js';

/** The same service under another name, as v2 is of v2beta where all messages have the same numbers. */
export function twinOf<S extends DescService>(service: S, typeName: string): S {
  const twin = { ...service, typeName } as { -readonly [K in keyof DescService]: DescService[K] };
  twin.methods = service.methods.map((method) => ({ ...method, parent: twin }));
  twin.method = Object.fromEntries(twin.methods.map((method) => [method.localName, method]));
  return twin as unknown as S;
}

/** A file and all it imports, each before what needs it. */
export function filesOf(
  file: DescFile,
  found = new Map<string, FileDescriptorProto>(),
): Map<string, FileDescriptorProto> {
  for (const dependency of file.dependencies) filesOf(dependency, found);
  return found.set(file.proto.name ?? '', file.proto);
}

const FILTERS = 'zitadel.user.v2';

/** zitadel.user.v2.UserService with the metadata filters of SearchQuery (17, 18) that @zitadel/proto 1.3.1 lacks. */
export function fullUserService(): typeof UserService {
  const files = filesOf(UserService.file, filesOf(file_zitadel_filter_v2_filter));
  const name = file_zitadel_user_v2_query.proto.name ?? '';
  files.set(name, withMetadataFilters(file_zitadel_user_v2_query.proto));
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...files.values()] }));
  return (registry.getService(UserService.typeName) ?? UserService) as unknown as typeof UserService;
}

function withMetadataFilters(query: FileDescriptorProto): FileDescriptorProto {
  const file = clone(FileDescriptorProtoSchema, query);
  const textMethod = '.zitadel.filter.v2.TextFilterMethod';
  if (!file.dependency.includes('zitadel/filter/v2/filter.proto'))
    file.dependency.push('zitadel/filter/v2/filter.proto');
  const values = ['BYTE_FILTER_METHOD_EQUALS', 'BYTE_FILTER_METHOD_NOT_EQUALS'];
  file.enumType.push(
    create(EnumDescriptorProtoSchema, {
      name: 'ByteFilterMethod',
      value: values.map((value, number) => ({ name: value, number })),
    }),
  );
  const addition = create(FileDescriptorProtoSchema, {
    messageType: [
      {
        name: 'MetadataKeyFilter',
        field: [
          field('key', 1, FieldDescriptorProto_Type.STRING),
          field('method', 2, FieldDescriptorProto_Type.ENUM, textMethod),
        ],
      },
      {
        name: 'MetadataValueFilter',
        field: [
          field('value', 1, FieldDescriptorProto_Type.BYTES),
          field('method', 2, FieldDescriptorProto_Type.ENUM, `.${FILTERS}.ByteFilterMethod`),
        ],
      },
    ],
  });
  file.messageType.push(...addition.messageType);
  const search = file.messageType.find((message) => message.name === 'SearchQuery');
  for (const [filter, number] of [
    ['metadata_key_filter', 17],
    ['metadata_value_filter', 18],
  ] as const) {
    const type = `.${FILTERS}.${filter === 'metadata_key_filter' ? 'MetadataKeyFilter' : 'MetadataValueFilter'}`;
    const added = field(filter, number, FieldDescriptorProto_Type.MESSAGE, type);
    added.oneofIndex = 0;
    search?.field.push(added);
  }
  return file;
}

/** One field of a hand-made message. */
export function field(
  name: string,
  number: number,
  type: FieldDescriptorProto_Type,
  typeName = '',
  label = FieldDescriptorProto_Label.OPTIONAL,
): ReturnType<typeof create<typeof FieldDescriptorProtoSchema>> {
  const jsonName = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return create(FieldDescriptorProtoSchema, { name, jsonName, number, type, label, ...(typeName ? { typeName } : {}) });
}

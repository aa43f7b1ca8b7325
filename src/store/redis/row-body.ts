/**
 * The row itself as a few hundred bytes: JSON by DEFLATE (RFC 1951), which has been told what most rows are made of. A row costs a
 * third of its JSON in memory, and 30 microseconds to write.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { renamedFields } from '../older-rows.ts';
import { unavailable } from '../unavailable.ts';

/** The first byte: which WORDS it was made with; JSON as it is when there were none. */
const PACKED = '3'.charCodeAt(0);
const PLAIN = '2'.charCodeAt(0);
/** The same of rows whose fields have older names (older-rows.ts). */
const OLDER_PACKED = '1'.charCodeAt(0);
const OLDER_PLAIN = '0'.charCodeAt(0);
/** Rows of more JSON are kept as they are: few are so large, and the event loop would stand still for them. Bytes. */
const MOST = 16_384;

/**
 * What rows are made of, the most frequent last. Rows that were written need it as it is: a better one has another mark, and both
 * are read.
 */
const WORDS = Buffer.from(
  [
    '"urn:zitadel:scim:name.formatted":"urn:zitadel:scim:name.middleName":"urn:zitadel:scim:name.honorificPrefix":"',
    '"urn:zitadel:scim:profileUrl":"https://www."urn:zitadel:scim:userType":"Employee"urn:zitadel:scim:ims":"urn:zitadel:scim:photos":',
    '"urn:zitadel:scim:roles":"urn:zitadel:scim:entitlements":"urn:zitadel:scim:x509Certificates":"urn:zitadel:scim:locale":"',
    '"urn:zitadel:scim:timezone":"Europe/"urn:zitadel:scim:addresses":"[{\\"streetAddress\\":\\"\\",\\"locality\\":\\"\\",',
    '\\"region\\":\\"\\",\\"postalCode\\":\\"\\",\\"country\\":\\"\\",\\"formatted\\":\\"\\",\\"type\\":\\"work\\"}]","nickName":"',
    '"preferredLanguage":"en"urn:zitadel:scim:enterprise":"{\\"employeeNumber\\":\\"\\",\\"costCenter\\":\\"\\",',
    '\\"organization\\":\\"\\",\\"division\\":\\"\\",\\"department\\":\\"\\",\\"manager\\":{\\"value\\":\\"\\",\\"displayName\\":\\"\\"}}',
    '"recheck":{"at":"facts":{}},"deadLetters":[{"cause":"refused","reason":"","deadAt":"blocked":"repeated":{"reason":"","since":,"times":',
    '"calling":"sentName":"doubt":true,"attempts":1,"lastError":"trusted":["urn:zitadel:scim:group:":"1","rights":{"at":17,"sent":0},',
    '"kind":"edit","kind":"delete","facts":{"state":"inactive"},"named":["state"],"process":"","tombstone":"password":"$2a$10$',
    '{"confirmed":{"urn:zitadel:scim:externalId":"","sequence":null,"verifiedAt":17,"emailVerified":"true"},',
    '{"pending":[{"revision":1,"kind":"create","facts":{"urn:zitadel:scim:externalId":"","username":"","familyName":"","givenName":"",',
    '"displayName":"","urn:zitadel:scim:title":"","state":"active","email":"@example.com","urn:zitadel:scim:emails":"[{\\"value\\":\\"',
    '@example.com\\",\\"type\\":\\"work\\",\\"primary\\":true}]","phone":"+1","urn:zitadel:scim:phoneNumbers":"[{\\"value\\":\\"+1',
    '\\",\\"type\\":\\"mobile\\",\\"primary\\":true}]"},"named":[],"at":17,"acknowledged":true,"who":"default","txn":"-4"}],',
    '"dueAt":17,"replay":{"hash":"","open":false},"created":17,"modified":17}',
  ].join(''),
);

/** What rows were packed with while their fields had other names. */
const OLDER_WORDS = Buffer.from(
  [
    '"urn:zitadel:scim:name.formatted":"urn:zitadel:scim:name.middleName":"urn:zitadel:scim:name.honorificPrefix":"',
    '"urn:zitadel:scim:profileUrl":"https://www."urn:zitadel:scim:userType":"Employee"urn:zitadel:scim:ims":"urn:zitadel:scim:photos":',
    '"urn:zitadel:scim:roles":"urn:zitadel:scim:entitlements":"urn:zitadel:scim:x509Certificates":"urn:zitadel:scim:locale":"',
    '"urn:zitadel:scim:timezone":"Europe/"urn:zitadel:scim:addresses":"[{\\"streetAddress\\":\\"\\",\\"locality\\":\\"\\",',
    '\\"region\\":\\"\\",\\"postalCode\\":\\"\\",\\"country\\":\\"\\",\\"formatted\\":\\"\\",\\"type\\":\\"work\\"}]","nickName":"',
    '"preferredLanguage":"en"urn:zitadel:scim:enterprise":"{\\"employeeNumber\\":\\"\\",\\"costCenter\\":\\"\\",',
    '\\"organization\\":\\"\\",\\"division\\":\\"\\",\\"department\\":\\"\\",\\"manager\\":{\\"value\\":\\"\\",\\"displayName\\":\\"\\"}}',
    '"confirm":{"until":"facts":{}},"dead":[{"cause":"refused","reason":"","died":"blocked":"stuck":{"reason":"","since":,"times":',
    '"calling":"sentName":"doubt":true,"attempts":1,"lastError":"vouched":["urn:zitadel:scim:group:":"1","rights":{"at":17,"sent":0},',
    '"kind":"edit","kind":"delete","facts":{"state":"inactive"},"named":["state"],"process":"","tombstone":"password":"$2a$10$',
    '{"known":{"urn:zitadel:scim:externalId":"","sequence":null,"verifiedAt":17,"emailVerified":"true"},',
    '{"changes":[{"revision":1,"kind":"create","facts":{"urn:zitadel:scim:externalId":"","username":"","familyName":"","givenName":"",',
    '"displayName":"","urn:zitadel:scim:title":"","state":"active","email":"@example.com","urn:zitadel:scim:emails":"[{\\"value\\":\\"',
    '@example.com\\",\\"type\\":\\"work\\",\\"primary\\":true}]","phone":"+1","urn:zitadel:scim:phoneNumbers":"[{\\"value\\":\\"+1',
    '\\",\\"type\\":\\"mobile\\",\\"primary\\":true}]"},"named":[],"at":17,"answered":true,"who":"default","txn":"-4"}],',
    '"dueAt":17,"createMark":{"hash":"","open":false},"created":17,"modified":17}',
  ].join(''),
);

export function packed(row: object): Buffer {
  const json = Buffer.from(JSON.stringify(row));
  if (json.length > MOST) return Buffer.concat([Buffer.of(PLAIN), json]);
  return Buffer.concat([Buffer.of(PACKED), deflateRawSync(json, { dictionary: WORDS })]);
}

/** Throws BridgeError 503 for what a newer bridge has written. */
export function unpacked(bytes: Buffer): unknown {
  const body = bytes.subarray(1);
  if (bytes[0] === PLAIN) return JSON.parse(body.toString());
  if (bytes[0] === OLDER_PLAIN) return renamedFields(JSON.parse(body.toString()));
  if (bytes[0] === OLDER_PACKED)
    return renamedFields(JSON.parse(inflateRawSync(body, { dictionary: OLDER_WORDS }).toString()));
  if (bytes[0] !== PACKED) throw unavailable(new Error('a row in Redis was written by a newer version of the bridge'));
  return JSON.parse(inflateRawSync(body, { dictionary: WORDS }).toString());
}

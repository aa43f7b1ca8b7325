import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { SEED } from './seed.ts';
import type { SeedUser } from './seed.ts';
import type { Store } from './store.ts';

/** A key in ZITADEL's key-file format; key is a PKCS#1 PEM. */
export interface KeyFile {
  readonly type: 'serviceaccount';
  readonly keyId: string;
  readonly key: string;
  readonly userId: string;
}

/** A private key of a service user and the public half that proves its assertions (SPKI PEM). */
export interface KeyPair {
  readonly file: KeyFile;
  readonly publicKey: string;
}

const generate = promisify(generateKeyPair);
let made: Promise<{ publicKey: string; privateKey: string }> | undefined;

/** The key of org-a-manager: made at the first start and kept in the store; without a file one per process. */
export async function keyPairOf(store: Store): Promise<KeyPair> {
  for (const { value } of store.load('key')) return value as KeyPair;
  made ??= generate('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  const { publicKey, privateKey } = await made;
  const owner: SeedUser = 'org-a-manager';
  const userId = SEED.users.find(({ name }) => name === owner)?.id ?? '';
  const pair: KeyPair = {
    file: { type: 'serviceaccount', keyId: SEED.keyId, key: privateKey, userId },
    publicKey,
  };
  store.put('key', SEED.keyId, pair);
  store.commit();
  return pair;
}

/**
 * Password hashes in rows, encrypted with a key that Redis never sees: not in its memory, its append-only file, its
 * replicas or backups. AES-256-GCM, bound to the row, so that a hash cannot be moved to another user.
 */
import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto';
import type { Change, Key } from '../../bridge/row/types.ts';
import { BridgeError } from '../../errors.ts';
import { isSealed, SEALED } from '../../mapping/facts.ts';

export interface Seal {
  /** The form to store: without a plain hash. Throws BridgeError 500 when there is a hash and no key. */
  close(key: Key, pending: readonly Change[]): readonly Change[];
  /** The stored form with its hashes decrypted; one that no key decrypts stays as it is, and delivery refuses it. */
  open(key: Key, pending: readonly Change[]): readonly Change[];
}

interface SealKey {
  /** distinguishes keys, reveals nothing about them */
  readonly id: string;
  readonly secret: Buffer;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param secrets the first one encrypts, all of them decrypt; none: a hash can be neither written nor read */
export function createSeal(secrets: readonly string[]): Seal {
  const keys = secrets.map(keyOf);
  const [own] = keys;

  function sealed(key: Key, text: string): string {
    // another process may have a key that this one does not have
    if (isSealed(text)) return text;
    if (own === undefined)
      throw new BridgeError(500, 'a row holds a password hash, which Redis keeps encrypted: set PASSWORD_KEY');
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', own.secret, nonce).setAAD(boundTo(key));
    const bytes = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${SEALED}${own.id}:${bytes.toString('base64url')}`;
  }

  function opened(key: Key, text: string): string {
    if (!isSealed(text)) return text;
    const [id, body = ''] = text.slice(SEALED.length).split(':');
    const passwordKey = keys.find((each) => each.id === id);
    const bytes = Buffer.from(body, 'base64url');
    if (passwordKey === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) return text;
    try {
      const decipher = createDecipheriv('aes-256-gcm', passwordKey.secret, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(boundTo(key)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return text;
    }
  }

  return {
    close: (key, pending) => withPasswords(pending, (text) => sealed(key, text)),
    open: (key, pending) => withPasswords(pending, (text) => opened(key, text)),
  };
}

/** The version without a key. */
export const NO_SEAL: Seal = createSeal([]);

function keyOf(secret: string): SealKey {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', 'zitadel-scim-bridge password hashes', 32));
  return { id: hash('sha256', derived).slice(0, 8), secret: derived };
}

const boundTo = ({ tenant, id }: Key): Buffer => Buffer.from(JSON.stringify([tenant, id]));

/** Only changes have passwords; without one they are returned unchanged. */
const withPasswords = (pending: readonly Change[], make: (text: string) => string): readonly Change[] =>
  pending.some(hasPassword) ? pending.map((change) => (hasPassword(change) ? changed(change, make) : change)) : pending;

const hasPassword = ({ facts }: Change): boolean => typeof facts['password'] === 'string';

const changed = (change: Change, make: (text: string) => string): Change => ({
  ...change,
  facts: { ...change.facts, password: make(change.facts['password'] ?? '') },
});

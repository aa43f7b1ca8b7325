/** How the bridge signs in to ZITADEL: one of three credentials. */
import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';
import { readText } from './files.ts';

export type Credential =
  /** personal access token */
  | { readonly kind: 'token'; readonly token: string }
  /** client credentials */
  | { readonly kind: 'client'; readonly id: string; readonly secret: string }
  /** private-key JWT; `key` is PEM, PKCS#1 or PKCS#8 */
  | {
      readonly kind: 'key';
      readonly key: {
        readonly userId: string;
        readonly keyId: string;
        readonly key: string;
        readonly expirationDate?: string;
      };
    };

/** The three credentials as written in the settings, with the names used in complaints. */
export interface CredentialInput {
  readonly token?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly names: { readonly [K in 'token' | 'clientId' | 'clientSecret' | 'keyFile']: string };
  /** base of relative paths */
  readonly folder: string;
}

/** The file that ZITADEL issues for a service user's key. */
const KEY_FILE = z.object({
  type: z.literal('serviceaccount'),
  keyId: z.string(),
  key: z.string(),
  userId: z.string(),
  expirationDate: z.string().optional(),
});

/** The credential, or undefined if there is none or it is wrong (then a complaint says so). */
export function readCredential(input: CredentialInput, complaints: string[]): Credential | undefined {
  const { token, clientId, clientSecret, keyFile, names } = input;
  const given = [
    token && names.token,
    (clientId || clientSecret) && `${names.clientId} + ${names.clientSecret}`,
    keyFile && names.keyFile,
  ].filter(Boolean);
  if (given.length > 1) {
    complaints.push(`${given.join(', ')}: only one credential can be used`);
    return undefined;
  }
  if (token) return { kind: 'token', token };
  if (clientId && clientSecret) return { kind: 'client', id: clientId, secret: clientSecret };
  if (clientId) complaints.push(`${names.clientSecret}: missing, ${names.clientId} needs it`);
  if (clientSecret) complaints.push(`${names.clientId}: missing, ${names.clientSecret} needs it`);
  return keyFile ? readKey(names.keyFile, input.folder, keyFile, complaints) : undefined;
}

function readKey(name: string, folder: string, path: string, complaints: string[]): Credential | undefined {
  const text = readText(name, folder, path, complaints);
  if (text === undefined) return undefined;
  try {
    const { userId, keyId, key, expirationDate } = KEY_FILE.parse(JSON.parse(text));
    createPrivateKey(key);
    const ends = expirationDate === undefined ? {} : { expirationDate };
    return { kind: 'key', key: { userId, keyId, key, ...ends } };
  } catch {
    complaints.push(`${name}: ${path} is not the JSON key of a service user (type, keyId, key, userId)`);
    return undefined;
  }
}

/** What is stored of a token. */
import { hash } from 'node:crypto';

/** 64 lower-case hexadecimal digits. */
export const sha256 = (text: string): string => hash('sha256', text);

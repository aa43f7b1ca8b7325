/** Values used in several places of bridge.yaml. */
import { z } from 'zod';

export const text = z.string({ error: 'must be a text; put numbers in quotes' }).min(1, 'must not be empty');

/** ZITADEL ids exceed exact numbers, so they are refused without quotes. */
export const id = text.regex(/^[\w.-]{1,200}$/, 'must be an id of ZITADEL');

export const flag = z.boolean({ error: 'must be true or false' });

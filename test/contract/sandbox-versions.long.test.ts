/** ZITADEL 2025-10 (A), the v5 line (B) and the v4.x line (C) of 2026-07, as the sandbox answers for them. */
import { contract } from './contract.ts';
import { subject } from './sandbox-subject.ts';

for (const version of ['A', 'B', 'C'] as const)
  contract(`sandbox as version ${version}, token of an owner`, () => subject('ownerA', 'org-a-owner', { version }));

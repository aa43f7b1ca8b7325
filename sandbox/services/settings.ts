import type { ServiceImpl } from '@connectrpc/connect';
import { ResourceOwnerType } from '@zitadel/proto/zitadel/settings/v2/settings_pb.js';
import type { SettingsService } from '@zitadel/proto/zitadel/settings/v2/settings_service_pb.js';
import { timestamp } from '../clock.ts';
import type { Caller } from '../callers.ts';
import type { Organization } from '../entities.ts';
import { DEFAULT_RULES } from '../passwords.ts';
import { SEED } from '../seed.ts';
import type { World } from '../world.ts';

interface InContext {
  readonly ctx?: { readonly resourceOwner: { readonly case?: string | undefined; readonly value?: unknown } };
}

/** zitadel.settings.v2.SettingsService: an organization's own settings, else those of the instance. */
export function createSettingsService(world: World): Partial<ServiceImpl<typeof SettingsService>> {
  const { calls, state, permissions } = world;
  const instanceSince = state.organizations.get(SEED.organizations[0].id)?.created ?? 0;

  function asked({ ctx }: InContext, { user, context }: Caller): Organization | undefined {
    const { case: kind, value } = ctx?.resourceOwner ?? {};
    const organization = kind === 'orgId' ? String(value) : context;
    permissions.demand(user, organization, 'policy.read', 'door');
    return state.organizations.get(organization);
  }

  function details(owner: Organization | undefined) {
    return {
      sequence: 12n,
      changeDate: timestamp(owner?.changed ?? instanceSince),
      creationDate: timestamp(owner?.created ?? instanceSince),
      resourceOwner: owner?.id ?? SEED.instance,
    };
  }

  const typeOf = (own: boolean): ResourceOwnerType => (own ? ResourceOwnerType.ORG : ResourceOwnerType.INSTANCE);

  return {
    getPasswordComplexitySettings: calls.read((request, caller) => {
      const organization = asked(request, caller);
      const own = organization?.passwordRules;
      const { minLength, upper, lower, number, symbol } = own ?? DEFAULT_RULES;
      return {
        details: details(own && organization),
        settings: {
          minLength: BigInt(minLength),
          requiresUppercase: upper,
          requiresLowercase: lower,
          requiresNumber: number,
          requiresSymbol: symbol,
          resourceOwnerType: typeOf(own !== undefined),
        },
      };
    }),
  };
}

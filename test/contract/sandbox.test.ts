import { contract } from './contract.ts';
import { subject } from './sandbox-subject.ts';

contract('sandbox, token of the organization', () => subject('managerA', 'org-a-manager'));
contract('sandbox with v2 alone, token of an owner', () => subject('ownerA', 'org-a-owner', { services: 'v2' }));
contract('sandbox, token of the instance', () => subject('instanceOwner', 'instance-owner'));

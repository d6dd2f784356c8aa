import { describeStoreAttacks } from './support/store-attacks.ts';

describeStoreAttacks('local-s3');

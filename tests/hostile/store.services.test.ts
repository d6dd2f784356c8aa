import { describeStoreAttacks } from './support/store-attacks.ts';

describeStoreAttacks('versitygw');
describeStoreAttacks('ceph-radosgw-16');

import type { StoreProfile, StoreProfileName } from '../../ports/store-profile.ts';
import {
  awsProfile,
  b2Profile,
  digitalOceanSpacesProfile,
  garageProfile,
  gcsProfile,
  genericProfile,
  r2Profile,
  rustfsProfile,
  seaweedfsProfile,
  wasabiProfile,
} from './profiles/documented.ts';
import { cephRadosgw16Profile, localS3Profile, minioProfile, versitygwProfile } from './profiles/measured.ts';

/**
 * Every profile, under the name by which `S3_PROFILE` chooses it. `generic` is for all other stores.
 *
 * @example
 * createS3ObjectStore({ bucket, region: 'auto', endpoint, profile: storeProfiles.r2 });
 */
export const storeProfiles: Readonly<Record<StoreProfileName, StoreProfile>> = {
  aws: awsProfile,
  b2: b2Profile,
  'ceph-radosgw-16': cephRadosgw16Profile,
  'digitalocean-spaces': digitalOceanSpacesProfile,
  garage: garageProfile,
  gcs: gcsProfile,
  generic: genericProfile,
  'local-s3': localS3Profile,
  minio: minioProfile,
  r2: r2Profile,
  rustfs: rustfsProfile,
  seaweedfs: seaweedfsProfile,
  versitygw: versitygwProfile,
  wasabi: wasabiProfile,
};

/** Host names that only one kind of store has. */
const HOSTS: readonly (readonly [suffix: string, profile: StoreProfile])[] = [
  ['.amazonaws.com', awsProfile],
  ['.amazonaws.com.cn', awsProfile],
  ['.api.aws', awsProfile],
  ['.backblazeb2.com', b2Profile],
  ['.digitaloceanspaces.com', digitalOceanSpacesProfile],
  ['.r2.cloudflarestorage.com', r2Profile],
  ['.wasabisys.com', wasabiProfile],
  ['storage.googleapis.com', gcsProfile],
];

/** The profile of a store by its address: Amazon S3 without one, `generic` where the host name tells nothing. */
export function guessProfile(endpoint: string | undefined): StoreProfile {
  if (endpoint === undefined) return awsProfile;
  const { hostname } = new URL(endpoint);
  return HOSTS.find(([suffix]) => hostname.endsWith(suffix))?.[1] ?? genericProfile;
}

export { awsProfile, genericProfile } from './profiles/documented.ts';
export { cephRadosgw16Profile, localS3Profile, minioProfile, versitygwProfile } from './profiles/measured.ts';

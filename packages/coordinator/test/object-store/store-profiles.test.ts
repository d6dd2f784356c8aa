import { describe, expect, it } from 'vitest';
import { createS3ObjectStore, guessProfile, storeProfiles } from '../../src/s3-object-store.ts';

describe('store profiles', () => {
  it.each([
    [undefined, 'aws'],
    ['https://s3.eu-west-1.amazonaws.com', 'aws'],
    ['https://s3.dualstack.us-west-2.amazonaws.com', 'aws'],
    ['https://s3.cn-north-1.amazonaws.com.cn', 'aws'],
    ['https://0123.r2.cloudflarestorage.com', 'r2'],
    ['https://0123.eu.r2.cloudflarestorage.com', 'r2'],
    ['https://s3.us-east-005.backblazeb2.com', 'b2'],
    ['https://storage.googleapis.com', 'gcs'],
    ['https://s3.eu-central-1.wasabisys.com', 'wasabi'],
    ['https://fra1.digitaloceanspaces.com', 'digitalocean-spaces'],
    ['http://127.0.0.1:9000', 'generic'],
    ['https://amazonaws.com.example', 'generic'],
  ] as const)('guesses by the host: %s is %s', (endpoint, name) => {
    expect(guessProfile(endpoint)).toBe(storeProfiles[name]);
    const objectStore = createS3ObjectStore({
      bucket: 'b',
      region: 'us-east-1',
      ...(endpoint && { endpoint }),
    });
    expect(objectStore.profile).toBe(storeProfiles[name]);
    objectStore.close();
  });

  it('say what they rest on: a run of the suite, or a document', () => {
    for (const { name, proven, source } of Object.values(storeProfiles)) {
      if (proven === 'documents' && name !== storeProfiles.generic.name)
        expect(source, name).toMatch(/^https:\/\//);
      expect(source, name).not.toBe('');
    }
    const suites = Object.entries(storeProfiles).filter(([, { proven }]) => proven === 'contract-suite');
    expect(suites.map(([name]) => name)).toEqual(
      expect.arrayContaining(['ceph-radosgw-16', 'local-s3', 'versitygw']),
    );
  });

  it('never claim that a key can stay with the client where there is no SSE-C', () => {
    for (const { name, encryption, ssecBlind, ssecCopy } of Object.values(storeProfiles)) {
      if (!encryption.includes('sse-c')) expect([ssecBlind, ssecCopy], name).toEqual([false, false]);
    }
  });
});

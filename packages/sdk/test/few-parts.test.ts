import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFetchPartSender } from '@longhaul/sdk/core';
import { webPlatform } from '../src/lib/platform/web/web-platform.ts';
import { createUploaderOn } from '../src/lib/uploader/create-uploader-on.ts';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;

let servers: TestServers;

beforeEach(async () => void (servers = await startServers()));
afterEach(() => servers.stop());

// Each part takes 1.2 s and tells how much of it has moved: plenty, or as little as losses leave of a connection.
it.each([
  ['two connections where the sender says what it takes to open one', { opensInRoundTrips: 1 }, 10 * MIB, 2],
  ['all where they turn out to be held back one by one', { opensInRoundTrips: 1 }, 1, 6],
  ['all where the sender does not say', {}, 10 * MIB, 6],
])('sends six parts over %s', async (_, about, bytesMoved, expected) => {
  let inFlight = 0;
  let mostInFlight = 0;
  const fetchSender = createFetchPartSender();
  const platform = {
    ...webPlatform,
    createSender: () => ({
      ...about,
      send: async (part: Parameters<typeof fetchSender.send>[0]) => {
        mostInFlight = Math.max(mostInFlight, ++inFlight);
        for (let turn = 1; turn <= 12; turn++) {
          await setTimeout(100);
          part.onProgress(Math.min(part.sizeBytes, Math.ceil((turn * bytesMoved) / 24)));
        }
        const answer = await fetchSender.send(part);
        inFlight--;
        return answer;
      },
    }),
  };
  const { coordinator } = servers;
  const uploader = createUploaderOn(platform, { coordinator, partSizeBytes: 5 * MIB });
  await uploader.upload(new Blob([randomBytes(30 * MIB)])).result;
  expect(mostInFlight).toBe(expected);
});

import type { SETTING_RANGES } from '../coordinator-settings.ts';

/** What each setting that is a number means, for `--help`. */
export const SETTING_MEANINGS: Readonly<Record<keyof typeof SETTING_RANGES, string>> = {
  recommendedChunkSizeBytes: 'part size told to clients that ask; the SDK plans by itself',
  minChunkSizeBytes: 'smallest part that is not the last one',
  maxChunkSizeBytes: 'largest part',
  maxChunks: 'most parts of one upload',
  maxSizeBytes: 'largest upload',
  singlePutThresholdBytes: 'up to this size an upload may be one PUT',
  inlineMaxBytes: 'up to this size the content may travel inside the create call',
  grantExpiresInSeconds: 'life of a signed URL',
  firstGrantCount: 'URLs that the answer of create brings along',
  tokenLifetimeSeconds: 'life of the token of an upload; renewed by use',
  idleLimitSeconds: 'an upload without activity is ended after this',
  completeAnswerWithinSeconds: 'a completion that takes longer is answered 202, and goes on',
  completionRedriveAfterSeconds: 'another call may take over a completion without a known end after this',
  singlePutGraceSeconds: 'how long a single PUT may be on its way when its last URL has expired',
  pendingLimitSeconds: 'a create that was never finished is ended after this',
  attemptOverAfterSeconds:
    'an attempt to complete without a known end counts as over after this; too short a time destroys objects',
  goneAfterSeconds: 'an upload that the store knows nothing of has failed after this',
  retainDays: 'sent events, and rows of uploads without an object, are kept so long',
  maxOpenUploadsPerOwner: 'uploads of one owner that have begun and not ended',
  maxOpenBytesPerOwner: 'bytes of those',
  maxBytesPerOwner: 'bytes of one owner, open and stored',
  callsPerMinutePerOwner: 'calls of one owner in a minute',
  callsPerMinutePerAddress: 'calls of one address in a minute',
  trustedProxyCount: 'proxies of yours before the coordinator, whose X-Forwarded-For is believed',
};

import { defineConfig } from 'tsdown';

// One build for all entries, so that they share their code: an UploadError is the same class through every door.
export default defineConfig({
  entry: {
    browser: 'src/browser.ts',
    node: 'src/node.ts',
    core: 'src/core.ts',
    web: 'src/web.ts',
    'many-browser': 'src/many-browser.ts',
    'many-node': 'src/many-node.ts',
    cli: 'src/cli.ts',
    // Loaded by its address, beside whatever loads it.
    'checksum-worker': 'src/lib/platform/browser/checksum-worker.ts',
    'sending-worker': 'src/lib/platform/browser/sending-worker.ts',
    'digest-worker': 'src/lib/platform/node/digest-worker.ts',
  },
  platform: 'neutral',
  target: 'es2022',
  fixedExtension: false,
  dts: true,
  // Nothing that is installed may go into the bundle: package.json would not tell.
  deps: { neverBundle: [/^node:/], onlyBundle: [] },
});

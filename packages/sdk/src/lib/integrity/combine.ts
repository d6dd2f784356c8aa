// A door of its own, so that a bundler keeps what is behind it out of the page until it is needed.
export { combineChecksums } from '@longhaul/protocol';

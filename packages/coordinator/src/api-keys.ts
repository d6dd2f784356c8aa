export {
  type ApiKey,
  type ApiKeyAuthorizeOptions,
  createApiKeyAuthorize,
  parseApiKeys,
} from './lib/adapters/api-keys/api-key-authorize.ts';

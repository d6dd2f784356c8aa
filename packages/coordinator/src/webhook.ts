export { createWebhookSink, type WebhookSinkOptions } from './lib/adapters/webhook/webhook-sink.ts';

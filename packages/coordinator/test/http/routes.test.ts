import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { Hono } from 'hono';
import { startCoordinator } from '../support/start-coordinator.ts';

it.each([
  ['POST', '/v1/uploads', '/v1/uploads'],
  ['POST', '/v1/uploads/batch', '/v1/uploads/batch'],
  ['POST', '/v1/uploads/batch/complete', '/v1/uploads/batch/complete'],
  ['POST', '/v1/uploads/parts', '/v1/uploads/parts'],
  ['POST', '/v1/uploads/complete', '/v1/uploads/complete'],
  ['GET', `/v1/uploads/${randomUUID()}`, '/v1/uploads/:uploadId'],
  ['POST', `/v1/uploads/${randomUUID()}/complete`, '/v1/uploads/:uploadId/complete'],
  ['PUT', `/v1/uploads/${randomUUID()}/complete`, '/v1/uploads/:uploadId/complete'],
  ['GET', '/v1/limits', '/v1/limits'],
  ['GET', '/healthz', '/healthz'],
  ['GET', '/wp-admin.php', 'none'],
])('%s %s is told as a call of %s, wherever the coordinator is mounted', async (method, path, route) => {
  const routes: string[] = [];
  const coordinator = await startCoordinator({ onCall: (call) => routes.push(call.route) });
  await coordinator.call(method, path, method === 'POST' ? { body: {} } : {});
  const mounted = new Hono().route('/', coordinator.app);
  await mounted.request(`http://localhost${path}`, { method });
  expect(routes[0]).toBe(route);
  if (route !== 'none') expect(routes[1]).toBe(route);
  await coordinator.close();
});

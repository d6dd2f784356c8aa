import { CHECKSUM_ALGORITHMS, checksumHeader } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { CorsRule } from './cors-rules.ts';

/** What scripts must be able to read: an upload client cannot work without ETag and the checksums. */
const EXPOSED_HEADERS: readonly string[] = [
  'ETag',
  ...CHECKSUM_ALGORITHMS.map(checksumHeader),
  'x-amz-checksum-type',
  'x-amz-delete-marker',
  'x-amz-id-2',
  'x-amz-request-id',
  'x-amz-version-id',
  'Accept-Ranges',
  'Content-Range',
  'Retry-After',
  'x-amz-retry-after',
];

/** The rule of buckets to which no client gave rules. */
export function defaultCorsRule(origins: readonly string[]): CorsRule {
  return {
    allowedOrigins: origins,
    allowedMethods: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    allowedHeaders: ['*'],
    exposeHeaders: EXPOSED_HEADERS,
    maxAgeSeconds: 7200,
  };
}

/** Headers that let the origin read an answer; none where no rule fits. */
export function corsHeaders(
  rules: readonly CorsRule[],
  headers: Headers,
  method: string,
): Record<string, string> {
  const origin = headers.get('origin');
  if (origin === null) return {};
  const rule = rules.find((candidate) => allows(candidate, origin, method));
  return rule === undefined ? {} : headersOf(rule, origin);
}

/** Answers a preflight request; throws AccessForbidden where no rule fits. */
export function preflightAnswer(rules: readonly CorsRule[], headers: Headers): Response {
  const origin = headers.get('origin');
  const method = headers.get('access-control-request-method');
  if (origin === null || method === null) {
    const missing = origin === null ? 'Origin' : 'Access-Control-Request-Method';
    throw new S3Error('BadRequest', {
      message: `Insufficient information. ${missing} request header needed.`,
    });
  }
  const asked = listOf(headers.get('access-control-request-headers'));
  const rule = rules.find(
    (candidate) => allows(candidate, origin, method) && allowsHeaders(candidate, asked),
  );
  if (rule === undefined) {
    throw new S3Error('AccessForbidden', { details: { Method: method, ResourceType: 'OBJECT' } });
  }
  return new Response(null, {
    headers: {
      ...headersOf(rule, origin),
      ...(asked.length > 0 && { 'access-control-allow-headers': asked.join(', ') }),
    },
  });
}

function headersOf(rule: CorsRule, origin: string): Record<string, string> {
  const isPublic = rule.allowedOrigins.includes('*');
  return {
    'access-control-allow-origin': isPublic ? '*' : origin,
    ...(!isPublic && { 'access-control-allow-credentials': 'true' }),
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(rule.exposeHeaders.length > 0 && { 'access-control-expose-headers': rule.exposeHeaders.join(', ') }),
    ...(rule.maxAgeSeconds !== undefined && { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

function allows(rule: CorsRule, origin: string, method: string): boolean {
  return rule.allowedMethods.includes(method) && rule.allowedOrigins.some((pattern) => fits(pattern, origin));
}

function allowsHeaders(rule: CorsRule, names: readonly string[]): boolean {
  const patterns = rule.allowedHeaders.map((pattern) => pattern.toLowerCase());
  return names.every((name) => patterns.some((pattern) => fits(pattern, name)));
}

/** A pattern holds at most one `*`. */
function fits(pattern: string, text: string): boolean {
  const [start = '', end] = pattern.split('*');
  if (end === undefined) return pattern === text;
  return text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end);
}

function listOf(header: string | null): readonly string[] {
  return (header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

import { describe, expect, it } from 'vitest';
import { type AnsweredRequest, readXhrAnswer } from './xhr-answer.ts';

const answered = (status: number, headers: string, responseText = ''): AnsweredRequest => ({
  status,
  responseText,
  getAllResponseHeaders: () => headers,
});

describe('readXhrAnswer', () => {
  it('keeps the quotes of the ETag', () => {
    const answer = readXhrAnswer(answered(200, 'content-length: 0\r\netag: "abc-2"\r\n'));
    expect(answer).toEqual({ status: 200, etag: '"abc-2"', body: '' });
  });

  it('does without an ETag that CORS hides', () => {
    expect(readXhrAnswer(answered(200, 'content-length: 0\r\n'))).toEqual({ status: 200, body: '' });
  });

  it('finds headers whatever their case, and no others that end alike', () => {
    const answer = readXhrAnswer(answered(200, 'x-amz-etag: "no"\r\nETag: "yes"\r\n'));
    expect(answer.etag).toBe('"yes"');
  });

  it('drops the body of a success and cuts that of a refusal', () => {
    expect(readXhrAnswer(answered(204, '', 'ignored')).body).toBe('');
    expect(readXhrAnswer(answered(403, '', 'x'.repeat(20_000))).body).toHaveLength(16 * 1024);
  });

  it('reads Retry-After in seconds only', () => {
    expect(readXhrAnswer(answered(503, 'retry-after: 7\r\n')).retryAfterSeconds).toBe(7);
    const dated = readXhrAnswer(answered(503, 'retry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n'));
    expect(dated.retryAfterSeconds).toBeUndefined();
  });
});

import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { registerCompression } from '../../../api/http/compress.ts';

const app = fastify();
registerCompression(app);
const long = { text: 'word '.repeat(1000) };
app.get('/long', async () => long);
app.get('/short', async () => ({ text: 'word' }));
app.get('/stream', async (_request, reply) => {
  reply.type('text/event-stream');
  return `data: ${long.text}\n\n`;
});
app.get('/ready', async (_request, reply) => {
  reply.header('content-encoding', 'br').type('application/json');
  return long.text;
});

const get = (url: string, accepted?: string) =>
  app.inject({ url, headers: accepted === undefined ? {} : { 'accept-encoding': accepted } });

test('long JSON is compressed for those who take gzip, and says so', async () => {
  const answer = await get('/long', 'br, gzip');
  expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
  expect(Number(answer.headers['content-length'] ?? 0)).toBeLessThan(500);
  expect(answer.rawPayload.length).toBeLessThan(500);
  expect(JSON.parse(gunzipSync(answer.rawPayload).toString())).toEqual(long);
});

test.each([undefined, 'br', 'gzip;q=0', 'gzip;q=0, br'])('others get it plain: %s', async accepted => {
  const answer = await get('/long', accepted);
  expect(answer.headers['content-encoding']).toBeUndefined();
  expect(answer.headers.vary).toBe('accept-encoding');
  expect(answer.json()).toEqual(long);
});

test('what is short, a stream, or compressed already is left as it is', async () => {
  expect((await get('/short', 'gzip')).headers['content-encoding']).toBeUndefined();
  expect((await get('/stream', 'gzip')).headers['content-encoding']).toBeUndefined();
  expect((await get('/ready', 'gzip')).headers['content-encoding']).toBe('br');
});

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { QueryApi } from './query-api.js';

type Answer = (request: IncomingMessage, response: ServerResponse, body: URLSearchParams) => void;
let answer: Answer;
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += chunk;
  answer(request, response, new URLSearchParams(text));
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const json =
  (status: number, body: unknown): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
const matrix = (...result: object[]) => ({ status: 'success', data: { resultType: 'matrix', result } });
const range = { start: 1_795_000_000_000, end: 1_795_000_060_000, step: 60_000 };
const ask = (base = url, timeoutMs = 5_000, signal = new AbortController().signal) =>
  new QueryApi(async () => ({ 'x-token': 'abc' }), timeoutMs).range(base, 'sum(a)', range, signal);

test('asks for a range as a form, with the headers of the address', async () => {
  let asked: unknown;
  answer = (request, response, body) => {
    asked = [request.method, request.url, request.headers['x-token'], Object.fromEntries(body)];
    json(200, matrix())(request, response, body);
  };
  expect(await ask(`${url}/prefix/`)).toEqual([]);
  expect(asked).toEqual([
    'POST',
    '/prefix/api/v1/query_range',
    'abc',
    { query: 'sum(a)', start: '1795000000', end: '1795000060', step: '60', timeout: '5s' },
  ]);
});

test('numbers that JSON has not are read', async () => {
  answer = json(
    200,
    matrix({
      metric: { __name__: 'a', code: '200' },
      values: [
        [1, '1.5'],
        [2, 'NaN'],
        [3, '+Inf'],
        [4, '-Inf'],
      ],
    }),
  );
  expect(await ask()).toEqual([
    {
      labels: { code: '200' },
      values: [
        [1, 1.5],
        [2, Number.NaN],
        [3, Number.POSITIVE_INFINITY],
        [4, Number.NEGATIVE_INFINITY],
      ],
    },
  ]);
});

describe('is a failure that says what is wrong', () => {
  const failures: [string, Answer, RegExp][] = [
    [
      'a query that is refused',
      json(400, { status: 'error', errorType: 'bad_data', error: 'parse error: unexpected end' }),
      /^http:\/\/127.0.0.1:\d+ refuses the query: parse error: unexpected end \(bad_data\)$/,
    ],
    [
      'no credentials',
      json(401, {}),
      / answers 401; credentials are given by BELLWETHER_PROMETHEUS_HEADERS$/,
    ],
    ['an error of a proxy', (_, response) => void response.writeHead(502).end('<html>'), / answers 502$/],
    [
      'a redirect, which credentials do not follow',
      (_, response) => void response.writeHead(302, { location: 'https://other.example.org/' }).end(),
      / redirects to https:\/\/other.example.org\/: name that one$/,
    ],
    ['no JSON', (_, response) => void response.end('hello'), / answers what is no result of a range query$/],
    [
      'another result',
      json(200, { status: 'success', data: { resultType: 'scalar', result: [1, '1'] } }),
      /no result of a/,
    ],
    [
      'histograms',
      json(200, matrix({ metric: {}, histograms: [] })),
      /^the answer has native histograms and no numbers/,
    ],
    ['a connection that is cut', (request) => void request.socket.destroy(), / does not answer: /],
  ];
  test.each(failures)('%s', async (_, given, message) => {
    answer = given;
    await expect(ask()).rejects.toThrow(message);
    await expect(ask()).rejects.toMatchObject({ name: 'SourceFailure' });
  });

  test('nobody there', async () => {
    await expect(ask('http://127.0.0.1:1')).rejects.toThrow(/^http:\/\/127.0.0.1:1 does not answer: /);
  });

  test('no answer in time', async () => {
    answer = () => {};
    await expect(ask(url, 20)).rejects.toThrow(/ did not answer within 0 s$/);
    await expect(ask(url, 20)).rejects.toMatchObject({ timedOut: true });
  });
});

describe('an answer is waited for as long as a period, and at least 5 s', () => {
  test.each([
    [1_000, '5s'],
    [10_000, '10s'],
    [60_000, '30s'],
  ])('with periods of %d ms: %s', async (step, expected) => {
    let timeout: string | null = null;
    answer = (request, response, body) => {
      timeout = body.get('timeout');
      json(200, matrix())(request, response, body);
    };
    const api = new QueryApi(async () => ({}), 30_000);
    await api.range(url, 'a', { ...range, step }, new AbortController().signal);
    expect(timeout).toBe(expected);
  });
});

test('a stop is no failure of the source', async () => {
  answer = () => {};
  const stopping = new AbortController();
  const asked = ask(url, 5_000, stopping.signal);
  stopping.abort();
  await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
});

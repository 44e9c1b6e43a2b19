import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { PointColumns } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CliError } from '../errors.js';
import { readPoints } from './csv-points.js';
import { instantOf } from './instant.js';
import { labelsOf, readLabels } from './labels.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'csv-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string, name = 'data.csv'): string {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
}

const T = Date.parse('2026-11-22T10:00:00.000Z');

describe('a time', () => {
  test.each([
    ['2026-11-22T10:00:00Z', T],
    ['2026-11-22T11:00:00+01:00', T],
    ['2026-11-22T11:00:00+0100', T],
    ['2026-11-22 10:00:00', T],
    ['2026-11-22 10:00:00.250', T + 250],
    ['2026-11-22 10:00:00 UTC', T],
    ['2026-11-22T10:00', T],
    ['2026-11-22', T - 10 * 3_600_000],
    ['1795341600', T],
    ['1795341600.5', T + 500],
    ['1795341600250', T + 250],
  ])('%s', (text, at) => {
    expect(instantOf(text)).toBe(at);
  });

  test.each(['', 'now', '2026-13-01', '10:00', '22.11.2026', '-5', '1e9'])('"%s" is none', (text) => {
    expect(instantOf(text)).toBeNull();
  });
});

const read = async (text: string, options = {}, labels: string[] = []) =>
  (await readPoints(file(text), options, labels)).blocks.flat();
const refusal = async (work: Promise<unknown>) => {
  const error = (await work.catch((reason: unknown) => reason)) as CliError;
  return {
    code: error.exitCode,
    text: [error.message, ...error.details].join('\n').replaceAll(`${folder}/`, ''),
  };
};

describe('the measurements of a file', () => {
  test.each<[string, string, object, object]>([
    ['good and total', 'at,good,total\n1795341600,998,1000', {}, { good: [998], total: [1000] }],
    ['bad and total', 'at,bad,total\n1795341600,2,1000', {}, { good: [998], total: [1000] }],
    ['both: good counts', 'bad,total,good,at\n2,1000,999,1795341600', {}, { good: [999], total: [1000] }],
    ['a value', 'at,value\n1795341600,0.25', {}, { value: [0.25], count: [1] }],
    ['a value and a count', 'at,value,count\n1795341600,0.25,7', {}, { value: [0.25], count: [7] }],
    [
      'other names',
      'time;not,TimeStamp,SuccessRate(%),n\nx,1795341600,97.125,800',
      { at: 'TimeStamp', value: 'SuccessRate(%)', count: 'n' },
      { value: [97.125], count: [800] },
    ],
    ['errors of requests', 'at,e,r\n1795341600,1,8', { bad: 'e', total: 'r' }, { good: [7], total: [8] }],
    [
      'states',
      'at,state\n1795341600,up\n1795341600,down\n1795341600,ok',
      { goodWhen: ['state=up', 'state=ok'] },
      { good: [1, 0, 1], total: [1, 1, 1] },
    ],
    [
      'rows that are asked for',
      'at,value,site,zone\n1795341600,1,a,x\n1795341600,2,b,x\n1795341600,3,a,y\n1795341600,4,c,x',
      { where: ['site=a', 'site=b', 'zone=x'] },
      { value: [1, 2], count: [1, 1] },
    ],
    [
      'quotes, carriage returns, a byte order mark and blank lines',
      '\uFEFFat,"val""ue",name\r\n\r\n1795341600,3,"a, b\nc"\r\n',
      { value: 'val"ue' },
      { value: [3], count: [1] },
    ],
  ])('%s', async (_, text, options, expected) => {
    const [block] = await read(text, options);
    expect(block).toMatchObject(expected);
    expect(new Set(block?.at)).toEqual(new Set([T]));
  });

  test('are parted by the label that an SLO is grouped by', async () => {
    const blocks = await read(
      'at,good,total,region\n1795341600,1,1,eu\n1795341600,2,2,us\n1795341660,3,3,eu',
      {},
      ['region', 'zone'],
    );
    expect(blocks).toEqual([
      { kind: 'counts', labels: { region: 'eu' }, at: [T, T + 60_000], good: [1, 3], total: [1, 3] },
      { kind: 'counts', labels: { region: 'us' }, at: [T], good: [2], total: [2] },
    ] satisfies PointColumns[]);
  });

  test('are not there where a cell is empty; that is counted', async () => {
    const { points, blank, first, last } = await readPoints(
      file('at,value\n1795341600,1\n1795341660,\n1795341720,NaN\n1795341780,2'),
      {},
      [],
    );
    expect([points, blank, first, last]).toEqual([2, 2, T, T + 180_000]);
  });

  test.each<[string, string, object, string]>([
    ['without a time', 'when,good,total\n', {}, 'no column "at"'],
    ['without a measurement', 'at,x\n', {}, 'say which columns'],
    ['without what is named', 'at,good,total\n', { value: 'latency' }, 'no column "latency" (--value)'],
    ['with two kinds', 'at,good,total\n', { value: 'good', total: 'total' }, 'take one of'],
    ['with good and bad', 'at,a,b,c\n', { good: 'a', bad: 'b', total: 'c' }, 'exclude each other'],
    ['with a filter that is none', 'at,value\n', { where: ['value'] }, 'column=value'],
    ['that is empty', '', {}, 'is empty'],
    ['of another form', 'at,value\n1795341600,"1', {}, 'cannot be read'],
    [
      'that has what is no measurement',
      'at,good,total\nsoon,1,1\n1795341600,2,1\n1795341600,x,1\n1795341600,-1,1\n1795341600,1,1e13',
      {},
      [
        'data.csv:2: at: "soon" is not a time',
        'data.csv:3: good: 2 is above the total of 1',
        'data.csv:4: good: "x" is not a number from 0 to 1e12',
        'data.csv:5: good: "-1" is not a number from 0 to 1e12',
        'data.csv:6: total: "1e13" is not a number from 0 to 1e12',
      ].join('\n'),
    ],
  ])('a file %s is refused', async (_, text, options, told) => {
    const { code, text: said } = await refusal(readPoints(file(text), options, []));
    expect(code).toBe(2);
    expect(said).toContain(told);
  });

  test('of many faults the first are told', async () => {
    const rows = Array.from({ length: 15 }, () => 'soon,1,1').join('\n');
    const { text } = await refusal(readPoints(file(`at,good,total\n${rows}`), {}, []));
    expect(text.split('\n')).toHaveLength(12);
    expect(text).toContain('and 5 more');
  });

  test('that is not there is refused', async () => {
    expect(await refusal(readPoints(path.join(folder, 'none.csv'), {}, []))).toMatchObject({
      code: 2,
      text: expect.stringContaining('ENOENT'),
    });
  });
});

describe('labelled incidents', () => {
  const incident = {
    from: '2026-11-22T10:00:00.000Z',
    to: '2026-11-22T10:03:00.000Z',
    name: 'x',
    service: 'checkout',
  };
  test.each<[string, string, string, object]>([
    ['CSV', 'l.csv', 'start,end,name,service\n1795341600,1795341780,x,checkout', {}],
    [
      'CSV of another kind',
      'l.csv',
      'from,to,name,service\n2026-11-22 10:00,2026-11-22 10:03,x,checkout',
      {},
    ],
    [
      'CSV of other names',
      'l.csv',
      's,e,n,v\n1795341600,1795341780,x,checkout',
      { labelStart: 's', labelEnd: 'e', labelName: 'n', labelService: 'v' },
    ],
    ['CSV without ends', 'l.csv', 'start,name,service\n1795341600,x,checkout', { incidentLength: 180_000 }],
    [
      'JSON',
      'l.json',
      '[{"from":"2026-11-22T10:00:00Z","to":1795341780,"name":"x","service":"checkout"}]',
      {},
    ],
  ])('%s', async (_, name, text, options) => {
    expect(await readLabels(file(text, name), options)).toEqual([incident]);
  });

  test('of another service are not those of the SLO; those of none are', async () => {
    const labels = await readLabels(file('start,end,service\n1,2,a\n3,4,b\n5,6,'), {});
    expect(labelsOf(labels, 'a').map(({ from }) => Date.parse(from))).toEqual([1_000, 5_000]);
  });

  test.each([
    ['l.csv', 'begin,end\n', 'no column "start"'],
    ['l.csv', 'start\n1795341600', 'l.csv:2: has no end; say how long incidents last'],
    ['l.csv', 'start,end\n1795341600,1795341599', 'l.csv:2: must not be before its start'],
    ['l.csv', 'start,end\nsoon,1', 'l.csv:2: start: "soon" is not a time'],
    ['l.json', '{}', 'is not an array'],
    ['l.json', '[', 'cannot be read'],
  ])('%s with %j is refused', async (name, text, told) => {
    const { code, text: said } = await refusal(readLabels(file(text, name), {}));
    expect([code, said]).toEqual([2, expect.stringContaining(told)]);
  });
});

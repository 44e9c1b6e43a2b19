import type { AppendRequest, AppendResult } from '@bellwether/event-log';
import { createLogger, noTracing } from '@bellwether/service';
import { expect, test } from '@jest/globals';
import { DecisionLog } from './decision-log.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const meta = {
  correlationId: 'story-of-the-measurement',
  causationId: 'm-1',
  actor: 'service:evaluator',
  source: '/bellwether/evaluator',
  traceparent,
};
const decision = {
  journal: 'control',
  stream: 'slo:checkout-availability',
  expectedVersion: 3,
  commandId: 'alert:checkout-availability:page:fast:1',
  event: { type: 'slo.alert.fired', data: { severity: 'page' }, occurredAt: new Date(0), meta },
};

test('a decision is told in the story of the measurement that tipped it; a repeat is not', async () => {
  const lines: string[] = [];
  const appended: AppendRequest[] = [];
  let duplicate = false;
  const log = new DecisionLog(
    {
      append: async (request) => {
        appended.push(request);
        return { duplicate, lastPosition: 7 } as AppendResult;
      },
    },
    noTracing,
    createLogger({ BELLWETHER_LOG_LEVEL: 'info' }, { write: (line) => void lines.push(line) }),
  );
  await log.append(decision);
  duplicate = true;
  await log.append(decision);
  const { event, ...rest } = decision;
  expect(appended).toEqual(new Array(2).fill({ ...rest, events: [event] }));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 'info',
      message: 'slo.alert.fired',
      correlationId: 'story-of-the-measurement',
      stream: 'slo:checkout-availability',
      position: 7,
      data: { severity: 'page' },
    }),
  ]);
});

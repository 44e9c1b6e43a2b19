import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type EventData, LogStreams } from '@bellwether/contracts';
import { eventually, forkSource, temporaryFolder, type WebhookReceiver } from '@bellwether/testing';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PagingStep } from './steps.js';
import { minute, Rehearsal } from './testing/rehearsal.fixture.js';

jest.setTimeout(120_000);

// The process dies between every two steps of a page and another one takes its place. Whatever the step, each intent
// is delivered at least once, all calls of it carry one key, and none is lost or made twice.
let rehearsal: Rehearsal;
let receiver: WebhookReceiver;
let living: ChildProcess;
const clockFile = path.join(temporaryFolder('paging-clock'), 'offset');
let offset = 0;
let incidents = 0;

beforeAll(async () => {
  writeFileSync(clockFile, '0');
  rehearsal = await Rehearsal.withoutService();
  rehearsal.clock.set(new Date());
  receiver = await rehearsal.receiver();
  living = await start();
  await rehearsal.user('ada', receiver.url('/ada'));
  await rehearsal.user('grace', receiver.url('/grace'));
  await rehearsal.policy([{ users: ['ada'] }, { users: ['grace'], timeoutMinutes: 6000 }]);
});
afterAll(async () => {
  living.kill('SIGKILL');
  await rehearsal.stop();
});

async function start(): Promise<ChildProcess> {
  const child = forkSource(path.join(import.meta.dirname, 'testing/dying-paging.fixture.ts'), {
    env: { ...rehearsal.environment, BELLWETHER_CLOCK_FILE: clockFile },
  });
  await once(child, 'message');
  return child;
}

/** From now on the process ends itself at a step. @returns how it ended */
async function arm(
  child: ChildProcess,
  dieAt: PagingStep,
  how: NodeJS.Signals = 'SIGKILL',
): Promise<{ died: Promise<unknown[]> }> {
  const died = once(child, 'exit');
  const armed = once(child, 'message');
  child.send({ dieAt, how });
  await armed;
  return { died };
}

async function declare(): Promise<string> {
  incidents += 1;
  await rehearsal.declare(`INC-${incidents}`);
  return `INC-${incidents}-P1`;
}

const callsOf = (page: string) =>
  receiver.requests.filter((request) => request.headers['webhook-id']?.startsWith(`${page}_`));

/** What must hold of a page however often the process died. */
async function expectOneIntentEach(page: string, steps: number): Promise<void> {
  const events = await rehearsal.log.readStream(LogStreams.page(page));
  const intents = events.flatMap(({ type, data }) =>
    type === 'page.requested' ? (data as EventData<'page.requested'>).intents : [],
  );
  expect(intents).toHaveLength(steps);
  const keys = callsOf(page).map((request) => request.headers['webhook-id']);
  expect(new Set(keys)).toEqual(new Set(intents.map((intent) => intent.idempotencyKey)));
  expect(events.filter((event) => event.type === 'page.delivered')).toHaveLength(steps);
}

describe('the process is killed', () => {
  test.each<PagingStep>([
    'page-appended',
    'page-indexed',
    'due-claimed',
    'attempt-recorded',
    'called',
    'outcome-recorded',
  ])('at %s: the page arrives, under one key', async (step) => {
    const { died } = await arm(living, step);
    const page = await declare();
    expect(await died).toEqual([null, 'SIGKILL']);
    living = await start();
    await rehearsal.until(page, ({ deliveries }) => deliveries[0]?.state === 'delivered');
    await expectOneIntentEach(page, 1);
    expect(callsOf(page)).toHaveLength(step === 'called' ? 2 : 1);
  });

  test.each<[PagingStep, string]>([
    ['due-claimed', 'before the escalation is decided'],
    ['page-appended', 'after it is in the log'],
    ['attempt-recorded', 'before its call'],
    ['called', 'after its call'],
  ])('at %s of the second step, %s: it runs once', async (step) => {
    const page = await declare();
    await rehearsal.until(page, ({ deliveries }) => deliveries[0]?.state === 'delivered');
    const { died } = await arm(living, step);
    offset += 6 * minute;
    writeFileSync(clockFile, String(offset));
    expect(await died).toEqual([null, 'SIGKILL']);
    living = await start();
    const second = await rehearsal.until(page, ({ deliveries }) => deliveries[1]?.state === 'delivered');
    expect(second).toMatchObject({ step: 2, cycle: 1, deliveries: [{ user: 'ada' }, { user: 'grace' }] });
    await expectOneIntentEach(page, 2);
  });

  test('while another instance lives: that one takes over what was claimed', async () => {
    const dying = await start();
    await arm(dying, 'attempt-recorded');
    // Whichever instance takes a page up, the one that is to die gets its turn before long.
    while (dying.exitCode === null && dying.signalCode === null) {
      const page = await declare();
      await rehearsal.until(page, ({ deliveries }) => deliveries[0]?.state === 'delivered');
      await expectOneIntentEach(page, 1);
    }
    expect(dying.signalCode).toBe('SIGKILL');
  });
});

describe('the process hangs while another lives', () => {
  // What it appended before it hung may be the page or its attempt: the attempt is then made when it goes on, and the
  // other instance, which took it for dead, has made one of its own.
  test.each<[PagingStep, number[]]>([
    ['page-appended', [1, 2]],
    ['called', [2]],
  ])('at %s: the page arrives all the same, under one key', async (step, possible) => {
    const hanging = await start();
    await arm(hanging, step, 'SIGSTOP');
    let hangs = false;
    hanging.once('message', () => {
      hangs = true;
    });
    let page = '';
    while (!hangs) {
      page = await declare();
      await rehearsal.until(page, ({ deliveries }) => deliveries[0]?.state === 'delivered');
    }
    hanging.kill('SIGCONT');
    await expectOneIntentEach(page, 1);
    // It finds that it was taken for dead, and does its part again from the log.
    const next = await declare();
    await rehearsal.until(next, ({ deliveries }) => deliveries[0]?.state === 'delivered');
    await expectOneIntentEach(next, 1);
    const events = await rehearsal.log.readStream(LogStreams.page(page));
    const attempts = events.filter(({ type }) => type === 'page.attempted').length;
    expect(possible).toContain(attempts);
    await eventually(() => expect(callsOf(page)).toHaveLength(attempts));
    hanging.kill('SIGKILL');
  });
});

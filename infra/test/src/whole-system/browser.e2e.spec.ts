import type { Page as IncidentPage, PageNotification } from '@bellwether/contracts';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { eventually } from '../eventually.js';
import { temporaryFolder } from '../temporary-folder.js';
import { WebhookReceiver } from '../webhook-receiver.js';
import { definePeople } from './people.fixture.js';
import { WholeSystem } from './system.fixture.js';

jest.setTimeout(60_000);

/** `npm test` finds or installs one and says where it is. */
const CHROMIUM = process.env.BELLWETHER_CHROMIUM ?? '/usr/bin/chromium';

/** What a person sees at 3 a.m.: the link of a page, on the machine's own Chromium. */
describe('in a browser', () => {
  let system: WholeSystem;
  let pager: WebhookReceiver;
  let browser: Browser;
  const elsewhere: string[] = [];

  beforeAll(async () => {
    [pager, system] = await Promise.all([WebhookReceiver.start(), WholeSystem.start()]);
    await definePeople(system, 'shop', pager.url('/'));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      env: { ...process.env, HOME: temporaryFolder('chromium') },
    });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
    await pager?.stop();
  });

  /** A tab that writes down every request to another host. */
  async function tab(credentials?: { username: string; password: string }) {
    const context = await browser.newContext(credentials ? { httpCredentials: credentials } : {});
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(system.local.apiUrl) && !request.url().startsWith('data:'))
        elsewhere.push(request.url());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    return { page, errors, close: () => context.close() };
  }

  test('the link of a page shows the incident and acknowledges with one press', async () => {
    await system.post('/v1/incidents', {
      title: 'Checkout <b>fails</b>',
      severity: 'sev1',
      services: ['shop'],
    });
    const [request] = await pager.received(1, 20_000);
    const { acknowledgeUrl } = (request!.json as PageNotification).page;
    const { page, errors, close } = await tab();
    await page.goto(acknowledgeUrl);
    // The title is text, whatever is in it.
    expect(await page.textContent('body')).toContain('Checkout <b>fails</b>');
    expect(await page.textContent('body')).toContain('INC-1');
    await page.getByRole('button', { name: /acknowledge/i }).click();
    await page.waitForLoadState();
    expect(await page.textContent('body')).toMatch(/acknowledged/i);
    await eventually(async () =>
      expect(await system.get<IncidentPage>('/v1/pages/INC-1-P1')).toMatchObject({ status: 'acknowledged' }),
    );
    expect(errors).toEqual([]);
    await close();
  });

  test('the API documents are drawn from the machine itself', async () => {
    const { page, errors, close } = await tab({ username: 'me', password: system.local.token });
    await page.goto(`${system.local.apiUrl}/docs`);
    await page.getByText('/v1/incidents/{id}/timeline').first().waitFor();
    expect(errors).toEqual([]);
    await close();
  });

  test('no page asks another host for anything', () => {
    expect(elsewhere).toEqual([]);
  });
});

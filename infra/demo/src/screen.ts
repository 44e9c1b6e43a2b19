import type { EventEnvelope, PageNotification, SloAlertFired } from '@bellwether/contracts';

/** Colours are for people: a file or another program gets plain text. */
const isColoured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const code = (number: number): string => (isColoured ? `\u001b[${number}m` : '');
const BOLD = code(1);
const DIM = code(2);
const RED = code(31);
const GREEN = code(32);
const YELLOW = code(33);
const RESET = code(0);

/** What the demo shows of an event; undefined for those it keeps to itself. */
export function lineOf(event: EventEnvelope): string | undefined {
  const type = event.type.replace(/^bellwether\.|\.v\d+$/g, '');
  const data = event.data as Record<string, unknown>;
  const line = (colour: string, text: string, ...commands: string[]) =>
    [
      `${DIM}${event.time.slice(11, 19)}${RESET} ${colour}${BOLD}${type}${RESET} ${text}`,
      ...commands.map((c) => `         ${DIM}$ npx bellwether ${c}${RESET}`),
    ].join('\n');
  switch (type) {
    case 'slo.alert.fired': {
      const { slo, severity, tier, longWindow, shortWindow, longBurn, shortBurn, threshold } =
        data as unknown as SloAlertFired;
      return line(
        RED,
        `${slo}: ${severity}-${tier}, burn ${longBurn?.toFixed(1)} over ${longWindow} and ${shortBurn?.toFixed(1)} over ${shortWindow}, threshold ${threshold}`,
        `status ${slo}`,
      );
    }
    case 'slo.alert.resolved':
      return line(GREEN, `${data.slo}: ${data.severity}-${data.tier}`, `status ${data.slo}`);
    case 'incident.declared':
      return line(
        RED,
        `${data.incident}: ${data.title} (${data.severity})`,
        `incident show ${data.incident}`,
      );
    case 'incident.status-changed':
      return line(YELLOW, `${data.incident}: ${data.from} → ${data.to}, ${data.note}`);
    case 'incident.reopened':
      return line(RED, `${data.incident}: ${data.reason}`, `incident show ${data.incident}`);
    case 'incident.resolved':
      return line(GREEN, `${data.incident}: ${data.note}`, `incident report ${data.incident}`);
    case 'page.requested':
      return line(
        RED,
        `${data.page}: step ${data.step}, to ${(data.users as string[]).join(' and ') || 'nobody'}`,
        `page show ${data.page}`,
        `explain ${data.page}`,
        `page ack ${data.page}`,
      );
    case 'page.delivered':
      return line(
        YELLOW,
        `${data.page}: ${data.user ?? 'a webhook'} ${data.notice ? 'heard that it is over' : 'has it'} (attempt ${data.attempt})`,
      );
    case 'page.acknowledged':
    case 'page.escalated':
    case 'page.cancelled':
      return line(YELLOW, `${data.page}: ${data.by ?? data.reason}`);
    default:
      return undefined;
  }
}

/** A page as the person's receiver got it. */
export function pageLine(person: string, { type, page }: PageNotification): string {
  return type === 'page.requested'
    ? `\n  ${RED}${BOLD}☎  ${person}, you are paged${RESET}  ${page.title} (${page.severity}, ${page.incident}, step ${page.step})\n${page.runbookUrl === undefined ? '' : `     runbook:     ${page.runbookUrl}\n`}     acknowledge: ${page.acknowledgeUrl}\n`
    : `\n  ${GREEN}${BOLD}✓  ${person}: it is over${RESET}  ${page.title} (${page.incident})\n`;
}

import type { GoldenSignal, GoldenSignals, Service } from '@bellwether/contracts';
import type { Command } from 'commander';
import { type Column, table, tone } from '../output.js';
import { inUnit } from '../unit.js';
import { all, type OpenSession, render, type Session, shown, time, WATCH } from './command.js';

const NAMES = ['latency', 'traffic', 'errors', 'saturation'] as const;

/** `signals`. */
export function signalsCommand(program: Command, open: OpenSession): void {
  program
    .command('signals')
    .argument('[service]', 'one service; without it, all of them')
    .option('--as-of <time>', 'what would have been answered then (RFC 3339)', time)
    .option(...WATCH)
    .description('the golden signals: latency, traffic, errors, saturation')
    .addHelpText(
      'after',
      '\nUnknown is what nothing fresh was measured of. Thresholds and SLIs are set in the service: goldenSignals.',
    )
    .action(
      async (service: string | undefined, options: { asOf?: string; watch?: boolean }, command: Command) => {
        const session = open(command);
        const asOf = options.asOf === undefined ? '' : `?asOf=${encodeURIComponent(options.asOf)}`;
        await shown(session, options.watch, async () => {
          if (service !== undefined)
            return render(session, await signalsOf(session, service, asOf), oneService);
          const found: GoldenSignals[] = [];
          for (const { name } of await all<Service>(session, `/v1/services${asOf}`)) {
            found.push(await signalsOf(session, name, asOf));
          }
          return render(session, found, (list) =>
            list.length === 0 ? 'no services' : table(serviceColumns, list),
          );
        });
      },
    );
}

async function signalsOf({ http }: Session, service: string, asOf: string): Promise<GoldenSignals> {
  const path = `/v1/services/${encodeURIComponent(service)}/golden-signals${asOf}`;
  return (await http.get<GoldenSignals>(path)).body;
}

const serviceColumns: Column<GoldenSignals>[] = [
  { head: 'SERVICE', cell: (s) => s.service },
  { head: 'STATUS', cell: (s) => tone(s.status) },
  ...NAMES.map((name) => ({
    head: name.toUpperCase(),
    cell: (s: GoldenSignals) =>
      s[name].value === null
        ? tone(s[name].status)
        : `${inUnit(s[name], s[name].value)} ${tone(s[name].status)}`,
  })),
];

const SIGNS = { gt: '>', gte: '≥', lt: '<', lte: '≤' } as const;

type Named = GoldenSignal & { name: string };
const signalColumns: Column<Named>[] = [
  { head: 'SIGNAL', cell: (s) => s.name },
  { head: 'STATUS', cell: (s) => tone(s.status) },
  { head: 'VALUE', cell: (s) => inUnit(s, s.value) },
  {
    head: 'THRESHOLD',
    cell: (s) => (s.threshold === null ? null : `${s.level} ${SIGNS[s.op]} ${inUnit(s, s.threshold)}`),
  },
  { head: 'OF', cell: (s) => (s.sli === null ? null : `${s.aggregate} of ${s.sli} over ${s.window}`) },
  { head: 'WHY', cell: (s) => s.detail },
];

function oneService(signals: GoldenSignals): string {
  const rows = NAMES.map((name) => ({ name, ...signals[name] }));
  return `${signals.service}: ${tone(signals.status)}\n${table(signalColumns, rows)}`;
}

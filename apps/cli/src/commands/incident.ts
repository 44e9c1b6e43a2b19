import {
  groupName,
  type Incident,
  type IncidentAlert,
  incidentBodies,
  incidentStatus,
  severity,
  type TimelineEntry,
} from '@bellwether/contracts';
import type { Command } from 'commander';
import pc from 'picocolors';
import { amount, fields, relative, table, tone } from '../output.js';
import {
  all,
  checkedBody,
  collect,
  type OpenSession,
  present,
  render,
  type Session,
  shown,
  someOf,
  time,
  WATCH,
  warn,
} from './command.js';
import { incidentColumns, statusCell } from './get.js';

interface Warned {
  warnings?: string[];
}

/** What the api takes at a path of an incident. */
const BODIES = {
  status: incidentBodies.status,
  severity: incidentBodies.severity,
  roles: incidentBodies.roles,
  notes: incidentBodies.note,
  responders: incidentBodies.responders,
  services: incidentBodies.services,
  updates: incidentBodies.update,
  merge: incidentBodies.merge,
  reopen: incidentBodies.reopen,
} as const;

/** `incident …`: command from the terminal. */
export function incidentCommands(program: Command, open: OpenSession): void {
  const incident = program.command('incident').description('declare, work and resolve incidents');
  const act = (
    name: string,
    description: string,
    configure: (command: Command) => Command,
    path: keyof typeof BODIES,
    body: (args: string[], options: Record<string, unknown>) => unknown,
  ) => {
    configure(incident.command(name).argument('<id>', 'such as INC-42').description(description)).action(
      async (...args: unknown[]) => {
        const command = args.at(-1) as Command;
        const options = args.at(-2) as Record<string, unknown>;
        const given = (args.slice(0, -2) as (string | undefined)[]).map((a) => a ?? '');
        const session = open(command);
        const { body: state } = await session.http.post<Incident & Warned>(
          `/v1/incidents/${encodeURIComponent(given[0] ?? '')}/${path}`,
          checkedBody(BODIES[path], 'the call', body(given, options)),
        );
        warn(session, state);
        present(session, state, (i) => headline(i));
      },
    );
  };

  incident
    .command('list')
    .description('incidents, newest first')
    .option(
      '--status <status>',
      'open, investigating, identified, monitoring or resolved',
      someOf(['open', ...incidentStatus.options]),
    )
    .option('--service <name>', 'one that it affects')
    .option('--severity <sev>', 'sev1 to sev4', someOf(severity.options))
    .option(...WATCH)
    .action(async ({ watch, ...filter }: Record<string, string> & { watch?: true }, command: Command) => {
      const session = open(command);
      const path = `/v1/incidents?${new URLSearchParams(filter)}`;
      await shown(session, watch, async () =>
        render(session, await all<Incident>(session, path), (list) =>
          list.length === 0 ? 'no incidents' : table(incidentColumns(session.now()), list),
        ),
      );
    });

  incident
    .command('show')
    .argument('<id>')
    .option('--as-of <time>', 'what was known then', time)
    .description('state and timeline')
    .action(async (id: string, options: { asOf?: string }, command: Command) =>
      show(open(command), id, options.asOf),
    );

  incident
    .command('declare')
    .argument('<title>')
    .option('-s, --severity <sev>', 'sev1 (critical) to sev4; unsure means the higher one', 'sev2')
    .option('--service <name>', 'an affected service (repeatable)', collect)
    .option('--summary <text>')
    .description('declare an incident by hand')
    .action(
      async (
        title: string,
        options: { severity: string; service?: string[]; summary?: string },
        command: Command,
      ) => {
        const session = open(command);
        const { body } = await session.http.post<Incident & Warned>(
          '/v1/incidents',
          checkedBody(incidentBodies.declare, 'the incident', {
            title,
            severity: options.severity,
            services: options.service ?? [],
            ...(options.summary ? { summary: options.summary } : {}),
          }),
        );
        warn(session, body);
        present(session, body, headline);
      },
    );

  act(
    'status',
    'change the status, with a note',
    (c) =>
      c
        .argument('<status>', 'investigating, identified, monitoring or resolved')
        .requiredOption('-m, --note <text>', 'what is known or was done (required)')
        .option('--at <time>', 'when it was so', time),
    'status',
    ([, status], o) => ({ status, note: o.note, ...(o.at ? { at: o.at } : {}) }),
  );
  act(
    'resolve',
    'resolve it',
    (c) => c.requiredOption('-m, --note <text>', 'what ended it (required)'),
    'status',
    (_args, o) => ({ status: 'resolved', note: o.note }),
  );
  act(
    'severity',
    'change the severity, with a reason',
    (c) => c.argument('<sev>', 'sev1 to sev4').requiredOption('-m, --reason <text>', 'why (required)'),
    'severity',
    ([, severity], o) => ({ severity, reason: o.reason }),
  );
  act(
    'role',
    'give a role to a person, or "-" to nobody',
    (c) =>
      c
        .argument('<role>', 'commander, operations, communications, planning or scribe')
        .argument('<user>', 'a user, or "-"'),
    'roles',
    ([, role, user]) => ({ role, user: user === '-' ? null : user }),
  );
  act(
    'note',
    'add a note to the timeline',
    (c) => c.argument('<text>').option('--pin', 'pin it', false),
    'notes',
    ([, text], o) => ({ text, pinned: o.pin }),
  );
  act(
    'responder',
    'add a responder',
    (c) => c.argument('<user>'),
    'responders',
    ([, user]) => ({ user }),
  );
  act(
    'service',
    'add an affected service',
    (c) => c.argument('<service>'),
    'services',
    ([, service]) => ({ service }),
  );
  act(
    'update',
    'publish an update to stakeholders',
    (c) =>
      c
        .argument('<text>')
        .option('--public', 'for everybody', false)
        .option('--next <time>', 'when the next one follows', time),
    'updates',
    ([, text], o) => ({
      audience: o.public ? 'public' : 'internal',
      text,
      ...(o.next ? { nextUpdateAt: o.next } : {}),
    }),
  );
  act(
    'merge',
    'merge it into another incident',
    (c) => c.argument('<into>'),
    'merge',
    ([, into]) => ({ into }),
  );
  act(
    'reopen',
    'reopen it, with a reason',
    (c) => c.requiredOption('-m, --reason <text>', 'why (required)'),
    'reopen',
    (_args, o) => ({ reason: o.reason }),
  );

  incident
    .command('timeline')
    .argument('<id>')
    .description('the timeline, rebuilt from the log')
    .option('--as-of <time>', 'what was known then', time)
    .action(async (id: string, options: { asOf?: string }, command: Command) => {
      const session = open(command);
      const entries = await timeline(session, id, options.asOf);
      present(session, entries, (list) => list.map(entryLine).join('\n'));
    });

  incident
    .command('report')
    .argument('<id>')
    .description('the report: Markdown, or as data with -o json or yaml')
    .action(async (id: string, _options: unknown, command: Command) => {
      const session = open(command, ['md']);
      const isData = session.context.output === 'json' || session.context.output === 'yaml';
      const accept = isData ? 'application/json' : 'text/markdown';
      const { body } = await session.http.get<unknown>(`/v1/incidents/${encodeURIComponent(id)}/report`, {
        accept,
      });
      present(session, body, (markdown) => String(markdown).trimEnd());
    });
}

function timeline(session: Session, id: string, asOf?: string): Promise<TimelineEntry[]> {
  const at = asOf ? `?asOf=${encodeURIComponent(asOf)}` : '';
  return all<TimelineEntry>(session, `/v1/incidents/${encodeURIComponent(id)}/timeline${at}`);
}

async function show(session: Session, id: string, asOf?: string): Promise<void> {
  const { body: state } = await session.http.get<Incident>(
    `/v1/incidents/${encodeURIComponent(id)}${asOf ? `?asOf=${encodeURIComponent(asOf)}` : ''}`,
  );
  const entries = await timeline(session, id, asOf);
  present(session, { ...state, timeline: entries }, () =>
    [
      headline(state),
      fields([
        ['Services', state.services],
        ['Commander', state.commander],
        ['Responders', state.responders],
        ['Started', `${state.startedAt} (${relative(state.startedAt, session.now())})`],
        ['Detected', state.detectedAt],
        ['Acknowledged', state.acknowledgedAt],
        [
          'Resolved',
          state.resolvedAt ? `${state.resolvedAt} (${amount(state.timeToResolveMinutes ?? 0)} min)` : null,
        ],
        ['Alerts', state.alerts.map((a) => `${alertLine(a)} ${tone(a.state)}`)],
      ]),
      '',
      ...entries.map(entryLine),
    ].join('\n'),
  );
}

/** `checkout-availability page-fast`, of a group `checkout-availability page-fast (region eu)`. */
const alertLine = ({ name, severity, tier, group }: IncidentAlert): string =>
  `${name} ${severity}${tier ? `-${tier}` : ''}${group ? ` (${groupName(group)})` : ''}`;

const headline = (i: Incident): string => `${pc.bold(i.id)} ${tone(i.severity)} ${statusCell(i)}  ${i.title}`;
const entryLine = (e: TimelineEntry): string =>
  `${e.at}  ${e.kind.padEnd(22)} ${e.text}${e.correctedBy ? pc.dim(' (corrected below)') : ''}${e.pinned ? ' 📌' : ''}${e.suspect ? pc.yellow(' (suspect)') : ''}  ${pc.dim(e.actor)}`;

import { faultsOf, httpUrl, resourceName, service, sli } from '@bellwether/contracts';
import { EPSILON, googleSre } from '../alert-pairs.js';
import { type AlertWindowFields, samePairs } from '../interchange/alert-windows.js';
import { checkedSlo, faultAt } from '../interchange/checked-slo.js';
import { Cursor, resourceNameOf } from '../interchange/cursor.js';
import { DefinitionSet } from '../interchange/definitions.js';
import { type Imported, Notes } from '../interchange/notes.js';
import { nominalMinutes } from '../nominal-window.js';
import { budgetOf } from '../slo-plan.js';
import { alertWindows, DEFAULT_PERIOD, fieldOfCatalogue, type Period } from './alert-windows.js';
import { GeneratedRules } from './generated-rules.js';
import { sliOf } from './import-sli.js';
import { checkPlugins } from './plugins.js';
import { isSlothDocument, unknownFields } from './specification.js';

export interface SlothOptions {
  /** Refuse fields that Sloth's specification does not have; otherwise they are warned about and left out. */
  strict?: boolean;
  /** Address of the Prometheus that the queries are for: a Sloth specification does not say. */
  prometheusUrl: string;
  /** `every` of its SLIs, which Sloth has none of. */
  every?: string | undefined;
}

/**
 * Reads Sloth specifications: `version: prometheus/v1`, the Kubernetes resource PrometheusServiceLevel, and the
 * catalogues of alert windows that `sloth generate --slo-period-windows-path` takes (the period of the last one is the
 * window of all SLOs; 30 days without one). Rules that Sloth generated may stand beside: an SLI that is a plugin has its
 * queries from them.
 *
 * An SLO is named `<service>-<slo>`, as Sloth identifies it. Its SLI has the queries as its source, `{{.window}}` left
 * in: the source runs them over its own period, an export of rules over each alert window.
 */
export function importSloth(documents: unknown[], options: SlothOptions): Imported {
  const notes = new Notes();
  const set = new DefinitionSet();
  const roots = documents.flat().map((document) => new Cursor(document, titleOf(document), notes));
  const catalogues = roots.filter((root) => root.at('kind').text() === 'AlertWindows');
  const period = catalogues.map(alertWindows).at(-1) ?? DEFAULT_PERIOD;
  const rules = new GeneratedRules();
  const others = roots.filter((root) => !catalogues.includes(root) && !rules.read(root));
  for (const root of others) {
    if (!isSlothDocument(root.value)) {
      root.fault(
        isOpenSlo(root)
          ? 'is OpenSLO, and no Sloth specification: import it as openslo'
          : 'is no Sloth specification: it must have version prometheus/v1, or be a PrometheusServiceLevel of sloth.slok.dev/v1',
      );
      continue;
    }
    for (const { path, message } of unknownFields(root.value)) {
      const note = { object: root.object, path, message, document: root.document };
      if (options.strict) notes.fault(note);
      else notes.warn(note);
    }
    importService(root.at('spec').present ? root.at('spec') : root, { set, period, rules, options });
  }
  return notes.imported(set);
}

interface Context {
  set: DefinitionSet;
  period: Period;
  rules: GeneratedRules;
  options: SlothOptions;
}

interface ServiceContext extends Context {
  /** The service as Sloth names it, which may be no name here. */
  slothService: string;
}

function importService(spec: Cursor, context: Context): void {
  const name = spec.at('service').name();
  if (name === undefined) return;
  checkPlugins(spec.either('slo_plugins', 'sloPlugins').at('chain'));
  const labels = labelsOf(spec.at('labels'));
  const { owner } = labels;
  const known = context.set.services.some((one) => one.name === name);
  if (!known) {
    const team = owner !== undefined && resourceName.safeParse(owner).success ? { team: owner } : {};
    context.set.addService(service.parse({ name, ...team }));
  }
  const slos = spec.at('slos');
  if (slos.items().length === 0) slos.fault('must have at least one');
  for (const slo of slos.items()) {
    const title = slo.at('name').text();
    const place = title === undefined ? slo : slo.as(`${slo.object}, SLO ${title}`);
    importSlo(place, name, labels, { ...context, slothService: spec.at('service').text() ?? name });
  }
}

function importSlo(
  slo: Cursor,
  serviceName: string,
  serviceLabels: Record<string, string>,
  { set, period, rules, options, slothService }: ServiceContext,
): void {
  checkPlugins(slo.at('plugins').at('chain'));
  const given = slo.at('name').text();
  const percent = slo.at('objective').number();
  const source = sliOf(slo.at('sli'), `${slothService}-${given}`, options.prometheusUrl, rules);
  if (given === undefined) slo.at('name').fault('is required');
  const isShare = percent !== undefined && percent > 0 && percent < 100;
  if (!isShare) slo.at('objective').fault('must be a percentage above 0 and below 100');
  if (given === undefined || !isShare || source === undefined) return;
  const sliName = resourceNameOf(given);
  const name = resourceNameOf(`${serviceName}-${given}`);
  if (sliName !== given || name !== `${serviceName}-${given}`)
    slo.at('name').warn(`${serviceName}-${given} is no name here and becomes "${name}"`);
  const description = slo.at('description').text() ?? '';
  const alerting = slo.at('alerting');
  const indicator = sli.safeParse({
    service: serviceName,
    name: sliName,
    description,
    unit: source.unit,
    source: { ...source.source, every: options.every },
  });
  // 99.9 / 100 is 0.9990000000000001 in floats.
  const objective = Number((percent / 100).toPrecision(12));
  const fields = alertingFields(alerting, period, slo.at('objective'), budgetOf(objective));
  const definition = checkedSlo({
    name,
    service: serviceName,
    sli: sliName,
    description,
    objective,
    indicator: { kind: 'ratio' },
    budgeting: { method: 'occurrences' },
    window: { rolling: period.rolling },
    alerting: fields,
    owner: serviceLabels.owner,
    runbookUrl: runbookOf(alerting),
    labels: { ...serviceLabels, ...labelsOf(slo.at('labels')), ...labelsOf(alerting.at('labels')) },
  });
  for (const fault of indicator.success ? [] : faultsOf(indicator.error)) faultAt(slo, fault);
  for (const fault of definition.ok ? [] : definition.faults)
    faultAt(fieldOfCatalogue(period, fields.windows ?? [], fault.path) ?? fieldOf(slo, fault.path), fault);
  if (!indicator.success || !definition.ok) return;
  if (!set.addSli(indicator.data) || !set.addSlo(definition.slo))
    slo.at('name').fault(`${name} is there already: give one of them another name`);
  const routing = routingOf(alerting);
  if (routing !== '') slo.notes.routing[name] = routing;
}

const ALERTS = { page: ['page_alert', 'pageAlert'], ticket: ['ticket_alert', 'ticketAlert'] } as const;

/** Where a specification says a field of an SLO of ours, or the SLO itself. */
function fieldOf(slo: Cursor, path: string): Cursor {
  const [field] = path.split('.');
  return field === 'objective' || field === 'description' || field === 'labels' ? slo.at(field) : slo;
}

/** The alerts of an SLO: each severity can be turned off. */
function alertingFields(
  alerting: Cursor,
  period: Period,
  objective: Cursor,
  budget: number,
): { preset?: 'google-sre' | 'none'; windows?: AlertWindowFields[] } {
  if (alerting.at('name').present)
    alerting.at('name').warn('is left out: an alert is named by its SLO, its severity and its tier');
  const isOn = (severity: keyof typeof ALERTS) => {
    const alert = alerting.either(...ALERTS[severity]);
    if (alert.at('annotations').present)
      alert.at('annotations').warn('are left out: alerts have no texts of their own');
    return alert.at('disable').value !== true;
  };
  const on = { page: isOn('page'), ticket: isOn('ticket') };
  const windows = period.windows.filter(({ severity }) => on[severity]);
  if (windows.length === 0) return { preset: 'none' };
  if (samePairs(windows, googleSre(nominalMinutes({ rolling: period.rolling }))))
    return { preset: 'google-sre' };
  // The preset leaves these out by itself; of windows that are written down they would be refused.
  const silent = windows.filter(({ burn }) => burn * budget >= 1 - EPSILON);
  if (silent.length === 0) return { windows };
  const names = silent
    .map(({ severity, tier, burn }) => `${severity} ${tier} (burn rate ${burn})`)
    .join(', ');
  objective.warn(
    `leaves so much budget that these alerts can never fire, and are left out: ${names}; the largest possible burn rate is ${Number((1 / budget).toPrecision(6))}`,
  );
  const others = windows.filter((window) => !silent.includes(window));
  return others.length === 0 ? { preset: 'none' } : { windows: others };
}

/** The labels by which Alertmanager finds whom to notify, where there are any; that is told of. */
function routingOf(alerting: Cursor): string {
  const labels = Object.values(ALERTS).map((names) => alerting.either(...names).at('labels'));
  const given = labels.filter((each) => each.present);
  const text = given.flatMap((each) => {
    const [, alert] = /([^.]+)[.]labels$/.exec(each.path) ?? [];
    return [
      `${alert} ${each
        .entries()
        .map(([key, label]) => `${key}=${label.text() ?? ''}`)
        .join(' ')}`,
    ];
  });
  const ticket = alerting.either(...ALERTS.ticket);
  const notifiesNobody =
    ticket.at('labels').present && ticket.at('disable').value !== true
      ? '; a ticket alert declares no incident and notifies nobody until the SLO has declare: { ticket: sev3 }, or another severity'
      : '';
  given[0]?.warn(
    `${text.join(', ')}: left out, the escalationPolicy of the SLO or its service says who is notified${notifiesNobody}`,
  );
  return text.join(', ');
}

const RUNBOOKS = ['runbook_url', 'runbook', 'runbookUrl'];

/** Sloth has no runbook; by convention it is an annotation. */
function runbookOf(alerting: Cursor): string | undefined {
  const annotations = alerting.at('annotations');
  const runbook = annotations.either(...RUNBOOKS);
  const others = annotations.entries().filter(([key]) => !RUNBOOKS.includes(key));
  if (others.length > 0)
    annotations.warn(`${others.map(([key]) => key).join(', ')}: left out, alerts have no texts of their own`);
  const url = runbook.text();
  if (url === undefined || httpUrl.safeParse(url).success) return url;
  runbook.warn(`"${url}" is not an http or https URL: it is left out`);
  return undefined;
}

const isOpenSlo = (root: Cursor): boolean => (root.at('apiVersion').text() ?? '').startsWith('openslo/');

const labelsOf = (labels: Cursor): Record<string, string> =>
  Object.fromEntries(labels.entries().map(([key, label]) => [key, label.text() ?? '']));

function titleOf(document: unknown): string {
  const {
    kind,
    service: name,
    metadata,
    spec,
  } = Object(document) as {
    kind?: unknown;
    service?: unknown;
    metadata?: { name?: unknown };
    spec?: { service?: unknown };
  };
  return `${typeof kind === 'string' ? kind : 'service'} ${metadata?.name ?? name ?? spec?.service ?? '(no name)'}`;
}

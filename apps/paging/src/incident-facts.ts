import {
  type EventData,
  type FilterValues,
  type IncidentAlert,
  type LoggedEvent,
  type PageCancelled,
  parseEventData,
  type Severity,
} from '@bellwether/contracts';
import type { PageSubject } from '@bellwether/oncall';

/** The end of an incident; one that was reopened may have several. */
export interface IncidentEnding {
  position: number;
  eventId: string;
  reason: PageCancelled['reason'];
}

/** What paging needs to know of an incident. */
export interface IncidentFacts {
  id: string;
  /** Of its stream; 0 when there is no such incident. */
  version: number;
  title: string;
  severity: Severity;
  services: readonly string[];
  /** What the alert that raised the severity says of it: whoever is woken for it is to look there first. */
  raised: string | null;
  /** Of the alert that raised the severity, else of the first that has one. */
  runbookUrl: string | null;
  /** Its SLO's policy. */
  policy: string | null;
  open: boolean;
  endings: readonly IncidentEnding[];
}

/** Folds an incident's stream. */
export function incidentFacts(id: string, events: readonly LoggedEvent[]): IncidentFacts {
  const unknown: IncidentFacts = {
    id,
    version: 0,
    title: '',
    severity: 'sev4',
    services: [],
    raised: null,
    runbookUrl: null,
    policy: null,
    open: false,
    endings: [],
  };
  return events.reduce((facts, event) => ({ ...evolve(facts, event), version: event.version }), unknown);
}

function evolve(facts: IncidentFacts, event: LoggedEvent): IncidentFacts {
  switch (event.type) {
    case 'incident.declared': {
      const { title, severity, services, escalationPolicy, alert }: EventData<'incident.declared'> =
        parseEventData(event.type, event.data);
      const declared = { ...facts, title, severity, services, policy: escalationPolicy ?? null, open: true };
      return withRunbook(declared, alert ? [alert] : []);
    }
    case 'incident.alert-attached':
      return withRunbook(facts, [parseEventData(event.type, event.data).alert]);
    case 'incident.severity-changed':
      return withSeverity(facts, parseEventData(event.type, event.data));
    case 'incident.service-affected':
      return withServices(facts, [parseEventData(event.type, event.data).service]);
    case 'incident.absorbed': {
      const { services, alerts }: EventData<'incident.absorbed'> = parseEventData(event.type, event.data);
      return withRunbook(withServices(facts, services), alerts);
    }
    case 'incident.resolved':
      return ended(facts, event, 'resolved');
    case 'incident.merged':
      return ended(facts, event, 'merged');
    case 'incident.reopened':
      return { ...facts, open: true };
    default:
      return facts;
  }
}

function withServices(facts: IncidentFacts, more: readonly string[]): IncidentFacts {
  return { ...facts, services: [...new Set([...facts.services, ...more])] };
}

function withSeverity(
  facts: IncidentFacts,
  { to, reason, alert }: EventData<'incident.severity-changed'>,
): IncidentFacts {
  const changed = { ...facts, severity: to };
  return alert ? { ...changed, raised: reason, runbookUrl: alert.runbookUrl ?? facts.runbookUrl } : changed;
}

function withRunbook(facts: IncidentFacts, alerts: readonly IncidentAlert[]): IncidentFacts {
  return {
    ...facts,
    runbookUrl: facts.runbookUrl ?? alerts.find(isReason)?.runbookUrl ?? null,
  };
}

function ended(facts: IncidentFacts, event: LoggedEvent, reason: IncidentEnding['reason']): IncidentFacts {
  const ending = { position: event.position, eventId: event.id, reason };
  return { ...facts, open: false, endings: [...facts.endings, ending] };
}

/** The end of the incident that also ended a page opened at `position`: the first one after it. */
export function endingOf(facts: IncidentFacts, position: number): IncidentEnding | null {
  return facts.endings.find((ending) => ending.position > position) ?? null;
}

/** What a page says of it. */
export function subjectOf({ id, title, raised, severity, services, runbookUrl }: IncidentFacts): PageSubject {
  const told = raised === null ? title : `${raised}: ${title}`;
  return { incident: id, title: told, severity, service: services[0] ?? null, runbookUrl };
}

/** What the events of its pages are filtered by; nothing is known of an incident that is not there. */
export function filtersOf({ version, services, severity }: IncidentFacts): FilterValues {
  return version === 0 ? {} : { services, severity };
}

/** Whether somebody may be paged for an alert, and has a runbook then; one that declares nothing is no reason for a page. */
const isReason = ({ runbookUrl, declares }: IncidentAlert): boolean =>
  runbookUrl !== undefined && declares !== false;

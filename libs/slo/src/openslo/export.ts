import type { Service, Sli, SloDefinition } from '@bellwether/contracts';
import { alertPairs } from '../alert-pairs.js';
import type { Definitions } from '../interchange/definitions.js';
import { nominalMinutes } from '../nominal-window.js';
import { sliceMinutes } from '../slice-rule.js';
import { budgetOf } from '../slo-plan.js';
import { ANNOTATION, annotationsFor } from './annotations.js';
import { DataSources, indicatorSpec } from './export-sli.js';
import { DISPLAY_NAME, importOpenSlo } from './import.js';
import { ESCALATION_TARGET, NO_TARGET } from './import-alerting.js';
import { CALENDAR_PERIODS, CALENDAR_START } from './import-window.js';
import type { OpenSloObject } from './objects.js';
import { toShorthand } from './shorthand.js';

/**
 * Writes definitions as OpenSLO v1, such as its reference validator accepts. What OpenSLO has no field for stands in
 * annotations, so that `importOpenSlo` of it gives the same definitions again.
 */
export function exportOpenSlo(definitions: Definitions): OpenSloObject[] {
  const dataSources = new DataSources(definitions.slis);
  const slos = definitions.slos.map((slo) => exportSlo(slo, definitions, dataSources));
  const unused = definitions.slis.filter(
    (sli) => !definitions.slos.some((slo) => slo.service === sli.service && slo.sli === sli.name),
  );
  return [
    ...dataSources.objects,
    ...definitions.services.map(exportService),
    ...unused.map((sli) => exportSli(sli, dataSources)),
    ...slos,
  ];
}

function exportService(service: Service): OpenSloObject {
  const { name, description } = service;
  const object: OpenSloObject = {
    apiVersion: 'openslo/v1',
    kind: 'Service',
    metadata: { name },
    spec: { ...(description === '' ? {} : { description }) },
  };
  return annotate(object, service, carriedBy([object])?.services[0]);
}

/** An SLI that no SLO is about; it says in an annotation whose it is. */
function exportSli(sli: Sli, dataSources: DataSources): OpenSloObject {
  const kind = ['count', 'ratio', 'percent'].includes(sli.unit) ? 'ratio' : 'threshold';
  const object: OpenSloObject = {
    apiVersion: 'openslo/v1',
    kind: 'SLI',
    metadata: {
      name: sli.name,
      annotations: { [`${ANNOTATION}service`]: JSON.stringify(sli.service) },
    },
    spec: indicatorSpec(sli, kind, dataSources),
  };
  return annotate(object, sli, carriedBy([...dataSources.objects, object])?.slis[0]);
}

function exportSlo(slo: SloDefinition, { slis }: Definitions, dataSources: DataSources): OpenSloObject {
  const sli = slis.find((one) => one.service === slo.service && one.name === slo.sli);
  const indicator =
    sli === undefined
      ? { indicatorRef: slo.sli }
      : {
          indicator: {
            metadata: { name: sli.name },
            spec: indicatorSpec(sli, isRatio(slo) ? 'ratio' : 'threshold', dataSources),
          },
        };
  const policies = alertPolicies(slo);
  const { [DISPLAY_NAME]: title = '', ...labels } = slo.labels;
  const hasTitle = title !== '' && title.length <= 63;
  const native = Object.entries(hasTitle ? labels : slo.labels).filter(([key]) => LABEL_KEY.test(key));
  const object: OpenSloObject = {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: {
      name: slo.name,
      ...(hasTitle ? { displayName: title } : {}),
      ...(native.length > 0 ? { labels: Object.fromEntries(native) } : {}),
    },
    spec: {
      ...(slo.description === '' ? {} : { description: slo.description }),
      service: slo.service,
      ...indicator,
      timeWindow: [timeWindow(slo)],
      ...budgeting(slo),
      ...(policies.length > 0 ? { alertPolicies: policies } : {}),
    },
  };
  const carried = carriedBy([...dataSources.objects, object]);
  if (sli !== undefined && indicator.indicator !== undefined) {
    annotate(indicator.indicator, sli, carried?.slis[0]);
  }
  return annotate(object, slo, carried?.slos[0]);
}

/** What is made of other SLOs is said in an annotation: OpenSLO has no references between SLOs. */
const isRatio = ({ indicator }: SloDefinition): boolean =>
  indicator.kind === 'ratio' || indicator.kind === 'composite';

const LABEL_KEY = /^[a-zA-Z0-9]([-._a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;

/** What OpenSLO's own fields of some objects say; undefined when they do not say enough for a resource. */
function carriedBy(objects: OpenSloObject[]): Definitions | undefined {
  const imported = importOpenSlo(objects);
  return imported.ok ? imported.definitions : undefined;
}

/** Adds the annotations that are needed for the object to be read as the resource. */
function annotate<T extends { metadata: OpenSloObject['metadata'] }>(
  object: T,
  resource: object,
  carried: object = {},
): T {
  const annotations = {
    ...object.metadata.annotations,
    ...annotationsFor(resource as Record<string, unknown>, carried as Record<string, unknown>),
  };
  if (Object.keys(annotations).length > 0) object.metadata.annotations = annotations;
  return object;
}

function timeWindow({ window }: SloDefinition) {
  if ('rolling' in window) return { duration: toShorthand(window.rolling), isRolling: true };
  return {
    duration: CALENDAR_PERIODS[window.calendar][0],
    isRolling: false,
    calendar: { startTime: CALENDAR_START, timeZone: window.timeZone },
  };
}

function budgeting({ objective, budgeting, indicator }: SloDefinition) {
  const hasBound = indicator.kind !== 'ratio' && indicator.kind !== 'composite';
  const compared = hasBound ? { op: indicator.op, value: indicator.value } : {};
  const target = { ...compared, target: objective };
  switch (budgeting.method) {
    case 'occurrences':
      return { budgetingMethod: 'Occurrences', objectives: [target] };
    case 'timeslices':
      return {
        budgetingMethod: 'Timeslices',
        objectives: [
          {
            ...target,
            timeSliceTarget: budgeting.sliceTarget ?? 1,
            timeSliceWindow: toShorthand(budgeting.slice),
          },
        ],
      };
    case 'ratio-timeslices':
      return {
        budgetingMethod: 'RatioTimeslices',
        objectives: [{ ...target, timeSliceWindow: toShorthand(budgeting.slice) }],
      };
  }
}

/** A policy for each alert of an SLO: OpenSLO has one condition a policy, and one window a condition. */
function alertPolicies(slo: SloDefinition) {
  const { pairs, faults } = alertPairs(
    slo,
    nominalMinutes(slo.window),
    budgetOf(slo.objective),
    sliceMinutes(slo),
  );
  // Alerts that would be refused here are no alerts elsewhere: the annotation keeps what was written.
  if (faults.length > 0) return [];
  return pairs.map((pair) => ({
    kind: 'AlertPolicy',
    metadata: { name: `${pair.severity}-${pair.tier}` },
    spec: {
      alertWhenBreaching: true,
      conditions: [
        {
          kind: 'AlertCondition',
          metadata: {
            name: `${pair.severity}-${pair.tier}`,
            annotations: { [`${ANNOTATION}tier`]: pair.tier, [`${ANNOTATION}short`]: pair.short },
          },
          spec: {
            severity: pair.severity,
            condition: {
              kind: 'burnrate',
              op: 'gt',
              threshold: pair.threshold,
              lookbackWindow: toShorthand(pair.long),
            },
          },
        },
      ],
      notificationTargets: [
        {
          kind: 'AlertNotificationTarget',
          metadata: { name: slo.escalationPolicy ?? 'incidents' },
          spec: { target: slo.escalationPolicy === undefined ? NO_TARGET : ESCALATION_TARGET },
        },
      ],
    },
  }));
}

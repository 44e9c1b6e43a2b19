import { faultsOf, type SloWindow, service } from '@bellwether/contracts';
import { checkedSlo, faultAt } from '../interchange/checked-slo.js';
import { type Cursor, resourceNameOf } from '../interchange/cursor.js';
import { DefinitionSet } from '../interchange/definitions.js';
import { type Imported, Notes } from '../interchange/notes.js';
import { nominalMinutes } from '../nominal-window.js';
import { budgetOf } from '../slo-plan.js';
import { annotated, annotationOf, withAnnotations } from './annotations.js';
import { fieldOf } from './fields.js';
import { importAlerting } from './import-alerting.js';
import { importSli, type MetricKind } from './import-sli.js';
import { importWindow } from './import-window.js';
import { OpenSloObjects, type OpenSloOptions } from './objects.js';
import { fromShorthand } from './shorthand.js';

/**
 * Reads OpenSLO v1 (and the SLOs of v1alpha, as v1): services, SLIs and SLOs, an SLO of ours for each objective.
 * What cannot be read refuses the whole; what is read otherwise than it is written is warned about.
 * @param documents parsed documents of one or more files; references are resolved among them
 */
export function importOpenSlo(documents: unknown[], options: OpenSloOptions = {}): Imported {
  const notes = new Notes();
  const objects = new OpenSloObjects(documents, notes, options);
  const set = new DefinitionSet();
  if (!notes.refused) {
    for (const object of objects.of('Service')) importService(object, set);
    for (const object of objects.of('SLO')) importSlo(object, objects, set);
    for (const object of objects.of('SLI')) importUnusedSli(object, objects, set);
  }
  return notes.imported(set);
}

function importService(object: Cursor, set: DefinitionSet): void {
  const metadata = object.at('metadata');
  const name = metadata.at('name').name();
  if (name === undefined) return;
  const description = object.at('spec').at('description').text() ?? metadata.at('displayName').text() ?? '';
  const parsed = service.safeParse(withAnnotations({ name, description }, annotated(metadata)));
  if (!parsed.success) {
    for (const fault of faultsOf(parsed.error)) faultAt(annotationOf(metadata, fault.path) ?? object, fault);
  } else if (!set.addService(parsed.data)) metadata.at('name').fault('is there already with other content');
}

/** An SLI that no SLO names is imported when it says whose it is: with us every SLI belongs to a service. */
function importUnusedSli(object: Cursor, objects: OpenSloObjects, set: DefinitionSet): void {
  const owner = ownerOf(object);
  const name = object.at('metadata').at('name').text();
  if (owner === undefined) {
    const isUsed = objects
      .of('SLO')
      .some((slo) => indicatorOf(slo.at('spec'), objects)?.object === object.object);
    if (!isUsed)
      object.warn(`no SLO of these files names ${name}, so its service is not known: it is left out`);
    return;
  }
  const found = importSli(object, owner, objects);
  if (found && !set.addSli(found.sli)) object.fault('is there already with other content');
}

/** The service that an SLI says it belongs to, in an annotation. */
function ownerOf(object: Cursor): string | undefined {
  const { service: owner } = annotated(object.at('metadata'));
  return typeof owner === 'string' ? owner : undefined;
}

/** The indicator of an SLO: inline, or the SLI object that it names. Undefined: named, and not in these files. */
function indicatorOf(spec: Cursor, objects: OpenSloObjects, service?: string): Cursor | undefined {
  if (spec.at('indicator').present) return spec.at('indicator');
  const named = objects.find('SLI', spec.at('indicatorRef'));
  const owner = named && ownerOf(named);
  return owner === undefined || service === undefined || owner === service ? named : undefined;
}

function importSlo(object: Cursor, objects: OpenSloObjects, set: DefinitionSet): void {
  const spec = object.at('spec');
  const objectives = spec.at('objectives');
  const serviceName = spec.at('service').name();
  const name = object.at('metadata').at('name').name();
  if (objectives.items().length === 0) objectives.fault('must have at least one');
  if (objectives.items().some((one) => one.at('indicator').present || one.at('indicatorRef').present)) {
    objectives.fault(
      'have indicators of their own: a composite SLO is not imported; make each objective an SLO and combine them here',
    );
    return;
  }
  const window = importWindow(spec.at('timeWindow'), objects.strict);
  if (serviceName === undefined || name === undefined || window === undefined) return;
  const indicator = indicatorOf(spec, objects, serviceName);
  const found = indicator && importSli(indicator, serviceName, objects);
  if (indicator && !found) return;
  if (found && !set.addSli(found.sli)) {
    indicator
      ?.at('metadata')
      .at('name')
      .fault('is the name of another SLI of this service, with other content: give one of them another name');
    return;
  }
  const sli = found?.sli.name ?? spec.at('indicatorRef').name();
  if (sli === undefined) return;
  const context: SloContext = { object, objects, name, service: serviceName, sli, kind: found?.kind, window };
  const names = objectiveNames(name, objectives.items());
  for (const [i, objective] of objectives.items().entries()) {
    importObjective({ ...context, name: names[i] as string }, objective, set);
  }
}

interface SloContext {
  object: Cursor;
  objects: OpenSloObjects;
  name: string;
  service: string;
  sli: string;
  kind: MetricKind | undefined;
  window: SloWindow;
}

function importObjective(context: SloContext, objective: Cursor, set: DefinitionSet): void {
  const { object, objects, window } = context;
  const spec = object.at('spec');
  const metadata = object.at('metadata');
  const target = targetOf(objective);
  const budgeting = budgetingOf(spec.at('budgetingMethod'), objective);
  const indicator = indicatorFields(context.kind, objective);
  if (target === undefined || budgeting === undefined || indicator === undefined) return;
  const annotations = annotated(metadata);
  const labels = labelsOf(metadata, objective);
  const { fields, conditions } = importAlerting(
    spec.at('alertPolicies'),
    objects,
    nominalMinutes(window),
    budgetOf(target),
  );
  const raw = withAnnotations(
    {
      name: context.name,
      service: context.service,
      sli: context.sli,
      description: spec.at('description').text() ?? '',
      objective: target,
      indicator,
      budgeting,
      window,
      labels,
      ...fields,
    },
    annotations,
  );
  const checked = checkedSlo(raw);
  if (!checked.ok) {
    for (const fault of checked.faults)
      faultAt(fieldOf(fault.path, object, objective, conditions) ?? object, fault);
  } else if (!set.addSlo(checked.slo)) metadata.at('name').fault(`${checked.slo.name} is there already`);
}

/** One SLO keeps its name; of several each has that of its objective behind it, or its number. */
function objectiveNames(name: string, objectives: Cursor[]): string[] {
  if (objectives.length === 1) return [name];
  const names: string[] = [];
  for (const [i, objective] of objectives.entries()) {
    const title = resourceNameOf(objective.at('displayName').text() ?? '', 24) || String(i + 1);
    const full = `${name.slice(0, 62 - title.length)}-${title}`;
    const own = names.includes(full) ? `${full.slice(0, 60)}-${i + 1}` : full;
    objective.warn(`becomes an SLO of its own, ${own}: here an SLO has one objective`);
    names.push(own);
  }
  return names;
}

function targetOf(objective: Cursor): number | undefined {
  const percent = objective.at('targetPercent').number();
  const target = objective.at('target').number() ?? (percent === undefined ? undefined : percent / 100);
  const at = objective.either('target', 'targetPercent');
  if (target === undefined) at.fault('is required: a ratio such as 0.999');
  else if (!(target > 0 && target < 1)) at.fault('must be above 0, and below what leaves no budget');
  // 99.9 / 100 is 0.9990000000000001 in floats.
  else return percent === undefined ? target : Number(target.toPrecision(12));
  return undefined;
}

function budgetingOf(method: Cursor, objective: Cursor) {
  const window = objective.at('timeSliceWindow');
  const minutes = window.number();
  const slice = minutes === undefined ? fromShorthand(window.text() ?? '1m') : `${minutes}m`;
  if (slice === null) {
    window.fault(`${window.text()} is not a duration such as 1m`);
    return undefined;
  }
  const sliceTarget = objective.at('timeSliceTarget').number();
  switch (method.text()?.toLowerCase()) {
    case 'timeslices':
      return { method: 'timeslices', slice, ...(sliceTarget === undefined ? {} : { sliceTarget }) };
    case 'ratiotimeslices':
      return { method: 'ratio-timeslices', slice };
    case 'occurrences':
      return { method: 'occurrences' };
    case undefined:
      method.warn('is missing: it is taken as Occurrences');
      return { method: 'occurrences' };
    default:
      method.fault(`"${method.text()}" is none of Occurrences, Timeslices and RatioTimeslices`);
      return undefined;
  }
}

/** What is compared with what. An SLI that is not in these files is a threshold's when the objective has a value. */
function indicatorFields(kind: MetricKind | undefined, objective: Cursor) {
  const [op, value] = [objective.at('op'), objective.at('value')];
  const threshold = kind === 'threshold' || (kind === undefined && value.present);
  if (!threshold) return { kind: 'ratio' };
  if (!['lte', 'lt', 'gte', 'gt'].includes(op.text() ?? '')) {
    op.fault('must be lte, lt, gte or gt: how a good value compares with "value"');
    return undefined;
  }
  if (value.number() === undefined) {
    value.fault('must be a number: what values are compared with');
    return undefined;
  }
  return { kind: 'threshold', op: op.text(), value: value.number() };
}

/** The label that keeps what a person calls an SLO. */
export const DISPLAY_NAME = 'displayName';

function labelsOf(metadata: Cursor, objective: Cursor): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [key, label] of metadata.at('labels').entries()) {
    const values = label.items().map((item) => item.text() ?? '');
    if (values.length > 1) label.warn('has several values: they are joined by commas');
    found[key] = Array.isArray(label.value) ? values.join(',') : String(label.value);
  }
  const title = metadata.at('displayName').text() ?? objective.at('displayName').text();
  if (title !== undefined) found[DISPLAY_NAME] = title;
  return found;
}

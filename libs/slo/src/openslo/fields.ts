import type { Cursor } from '../interchange/cursor.js';
import { annotationOf } from './annotations.js';

/**
 * Where an OpenSLO document says a field of an SLO of ours; undefined when nowhere in particular.
 * @param path of the field of ours, such as `budgeting.slice`
 * @param conditions that its alert windows were read from
 */
export function fieldOf(
  path: string,
  slo: Cursor,
  objective: Cursor,
  conditions: readonly Cursor[],
): Cursor | undefined {
  const annotation = annotationOf(slo.at('metadata'), path);
  if (annotation !== undefined) return annotation;
  const spec = slo.at('spec');
  const [field, inner, index, part] = path.split('.');
  switch (field) {
    case 'name':
      return slo.at('metadata').at('name');
    case 'service':
    case 'description':
      return spec.at(field);
    case 'objective':
      return objective.either('target', 'targetPercent');
    case 'indicator':
      return objective.at(inner === 'op' ? 'op' : 'value');
    case 'budgeting':
      return objective.at(inner === 'sliceTarget' ? 'timeSliceTarget' : 'timeSliceWindow');
    case 'window':
      return windowField(spec.at('timeWindow').at(0), inner);
    case 'labels':
      return slo.at('metadata').at('labels');
    case 'alerting': {
      const condition = conditions[Number(index)]?.at('spec').at('condition');
      return condition?.at(part === 'burn' ? 'threshold' : 'lookbackWindow') ?? spec.at('alertPolicies');
    }
    default:
      return undefined;
  }
}

const windowField = (window: Cursor, inner: string | undefined): Cursor =>
  inner === 'timeZone' ? window.at('calendar').at('timeZone') : window.at('duration');

import { z } from 'zod';
import { fromWireType } from '../envelope.js';
import { nearestNames } from '../nearest.js';
import { eventCatalog } from './catalog.js';

/** Names that the public contract announces; waiting for one that is not recorded yet is no slip of the pen. */
const announced = [
  'experiment.aborted',
  'experiment.completed',
  'experiment.fault-injected',
  'experiment.fault-removed',
  'experiment.started',
  'incident.action-added',
  'incident.action-changed',
  'incident.action-completed',
  'incident.review-edited',
  'incident.review-published',
  'incident.review-started',
  'remediation.completed',
  'remediation.failed',
  'remediation.started',
  'remediation.step-completed',
  'rule.defined',
  'runbook.defined',
  'slo.corrected',
  'toil.logged',
];
const names = [...new Set([...Object.keys(eventCatalog), ...announced])].sort();
const families = [...new Set(names.map((name) => `${name.slice(0, name.indexOf('.'))}.*`))];

/**
 * Which events to see: names (`incident.declared`, the wire's form too) and families (`incident.*`), separated by
 * commas. One that there is not would silently never match.
 */
export const eventTypeFilter = z
  .string()
  .max(1000)
  .regex(/^[a-z][a-z.-]*(\.\*|\.v[1-9][0-9]*)?(,[a-z][a-z.-]*(\.\*|\.v[1-9][0-9]*)?)*$/, {
    error: 'must be event names such as incident.declared or incident.*, separated by commas',
    abort: true,
  })
  .superRefine((filter, context) => {
    for (const part of filter.split(',')) {
      if (isWanted(part)) continue;
      const word = part.replace(/\.\*$/, '');
      const near = nearestNames(word, [...names, ...families]);
      const others =
        near.length > 0 ? `did you mean ${near.join(', ')}?` : `there are ${families.join(', ')}`;
      context.addIssue({ code: 'custom', message: `names no event: "${part}"; ${others}` });
    }
  });

function isWanted(part: string): boolean {
  if (part.endsWith('.*')) {
    const prefix = part.slice(0, -1).replace(/^bellwether\./, '');
    return names.some((name) => name.startsWith(prefix));
  }
  return names.includes(/^bellwether\..+\.v\d+$/.test(part) ? fromWireType(part).type : part);
}

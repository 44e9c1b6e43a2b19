import { type Incident, LogStreams } from '@bellwether/contracts';
import {
  evolve,
  type IncidentState,
  incidentEvent,
  incidentNumber,
  incidentView,
} from '@bellwether/incident';
import { type Folding, foldedProjection } from './folded-projection.js';

/** Incidents, in the order of their numbers. */
export const incidentFolding: Folding<IncidentState, Incident> = {
  name: 'incidents',
  version: 4,
  prefix: LogStreams.incident(''),
  numberOf: incidentNumber,
  evolve: (state, event) => evolve(state, incidentEvent(event)),
  view: (state) => incidentView(state),
  columns: {
    status: { type: 'text', of: ({ status }) => status },
    severity: { type: 'text', of: ({ severity }) => severity },
    services: { type: 'text[]', of: ({ services }) => services },
    declared_at: { type: 'timestamptz', of: ({ declaredAt }) => declaredAt },
  },
};

export const incidents = foldedProjection(incidentFolding);

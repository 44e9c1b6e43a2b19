import { z } from 'zod';
import { incidentBodies } from '../../commands/catalog.js';
import { incidentId, resourceName } from '../../names.js';
import { incident, incidentStatus, listOf, timelineEntry } from '../../views/views.js';
import { defineRoutes, listParameter, pagedQuery, readQuery, timeParameter } from '../route.js';
import { incidentReport } from '../views.js';
import { warnings } from './resources.js';

const of = z.object({ id: incidentId });
const read = z.strictObject(readQuery);

const changed = { 200: { description: 'The incident after the change', schema: incident.and(warnings) } };
const command = {
  app: 'api' as const,
  method: 'POST' as const,
  tag: 'incidents',
  access: 'responder' as const,
  params: of,
  answers: changed,
  versioned: true,
};

export const incidentRoutes = defineRoutes({
  declareIncident: {
    app: 'api',
    method: 'POST',
    path: '/v1/incidents',
    tag: 'incidents',
    summary: 'Declare an incident',
    access: 'responder',
    body: { schema: incidentBodies.declare },
    answers: { 201: { description: 'The incident', schema: incident.and(warnings) } },
    command: 'incident.declare',
    versioned: true,
  },
  listIncidents: {
    app: 'api',
    method: 'GET',
    path: '/v1/incidents',
    tag: 'incidents',
    summary:
      'Incidents, the newest first; `from` (inclusive) and `to` (exclusive) bound when they were declared',
    access: 'viewer',
    query: z.strictObject({
      ...pagedQuery,
      asOf: readQuery.asOf,
      status: listParameter(['open', ...incidentStatus.options]).optional(),
      severity: listParameter(['sev1', 'sev2', 'sev3', 'sev4']).optional(),
      service: resourceName.optional(),
      from: timeParameter.optional(),
      to: timeParameter.optional(),
    }),
    answers: { 200: { description: 'A page of incidents', schema: listOf(incident) } },
  },
  getIncident: {
    app: 'api',
    method: 'GET',
    path: '/v1/incidents/{id}',
    tag: 'incidents',
    summary: 'An incident now, or as of a time',
    access: 'viewer',
    params: of,
    query: read,
    answers: { 200: { description: 'The incident', schema: incident } },
    versioned: true,
  },
  getIncidentTimeline: {
    app: 'api',
    method: 'GET',
    path: '/v1/incidents/{id}/timeline',
    tag: 'incidents',
    summary: 'What happened, in order, rebuilt from the log',
    access: 'viewer',
    params: of,
    query: z.strictObject({ ...pagedQuery, ...readQuery, kind: z.string().max(500).optional() }),
    answers: { 200: { description: 'Entries by time, then by log position', schema: listOf(timelineEntry) } },
  },
  getIncidentReport: {
    app: 'api',
    method: 'GET',
    path: '/v1/incidents/{id}/report',
    tag: 'incidents',
    summary: 'The report, as JSON or Markdown',
    access: 'viewer',
    params: of,
    query: read,
    answers: {
      200: { description: 'The report', schema: incidentReport, mediaTypes: ['text/markdown'] },
    },
  },
  setIncidentStatus: {
    ...command,
    path: '/v1/incidents/{id}/status',
    summary: 'Change the status',
    body: { schema: incidentBodies.status, conflicts: ['status'] },
    command: 'incident.set-status',
  },
  setIncidentSeverity: {
    ...command,
    path: '/v1/incidents/{id}/severity',
    summary: 'Change the severity',
    body: { schema: incidentBodies.severity },
    command: 'incident.set-severity',
  },
  assignIncidentRole: {
    ...command,
    path: '/v1/incidents/{id}/roles',
    summary: 'Give a role to a person, or to nobody',
    body: { schema: incidentBodies.roles },
    command: 'incident.assign-role',
  },
  addIncidentResponder: {
    ...command,
    path: '/v1/incidents/{id}/responders',
    summary: 'Add a responder',
    body: { schema: incidentBodies.responders },
    command: 'incident.add-responder',
  },
  addIncidentService: {
    ...command,
    path: '/v1/incidents/{id}/services',
    summary: 'Add an affected service',
    body: { schema: incidentBodies.services },
    command: 'incident.add-service',
  },
  addIncidentNote: {
    ...command,
    path: '/v1/incidents/{id}/notes',
    summary: 'Add a note to the timeline',
    body: { schema: incidentBodies.note },
    command: 'incident.add-note',
  },
  correctIncidentNote: {
    ...command,
    method: 'PUT',
    path: '/v1/incidents/{id}/notes/{eventId}',
    summary: 'Correct a note of one’s own; both versions stay in the log',
    params: z.object({ id: incidentId, eventId: z.uuid('must be the id of the event of the note') }),
    body: { schema: incidentBodies.note },
    command: 'incident.correct-note',
  },
  publishIncidentUpdate: {
    ...command,
    path: '/v1/incidents/{id}/updates',
    summary: 'Tell stakeholders',
    body: { schema: incidentBodies.update },
    command: 'incident.publish-update',
  },
  mergeIncident: {
    ...command,
    path: '/v1/incidents/{id}/merge',
    summary: 'Merge this incident into another',
    body: { schema: incidentBodies.merge },
    command: 'incident.merge',
  },
  reopenIncident: {
    ...command,
    path: '/v1/incidents/{id}/reopen',
    summary: 'Reopen a resolved incident',
    body: { schema: incidentBodies.reopen },
    command: 'incident.reopen',
  },
});

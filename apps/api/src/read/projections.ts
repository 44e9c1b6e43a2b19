import type { Projection } from '@bellwether/event-log';
import { corrections } from './corrections.projection.js';
import { events } from './events.projection.js';
import { evidence } from './evidence.projection.js';
import { gateOverrides } from './gate-overrides.projection.js';
import { incidents } from './incidents.projection.js';
import { pages } from './pages.projection.js';
import { resources } from './resources.projection.js';
import { sloAlerts } from './slo-alerts.projection.js';
import { tokens } from './tokens.projection.js';

/** Every read model of this service. */
export const projections: Projection[] = [
  resources,
  incidents,
  pages,
  events,
  tokens,
  gateOverrides,
  sloAlerts,
  corrections,
  evidence,
];

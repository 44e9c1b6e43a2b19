import { CommandRefused, MeasurementLimits } from '@bellwether/contracts';
import type { CommandOf } from './command.js';
import { change, type IncidentChange } from './event.js';
import type { IncidentState } from './incident.js';
import { earliest } from './instant.js';

/**
 * A person's incident is detected now and started then too, unless they say when. An alert's was detected when the
 * alert fired, and started with the first bad slice.
 */
export function declare(
  command: CommandOf<'incident.declare'>,
  state: IncidentState | null,
): readonly IncidentChange[] {
  if (state !== null) throw CommandRefused.conflict(`${state.id} is declared already`);
  const { title, summary, severity, services, labels, escalationPolicy, alert } = command.data;
  const detectedAt = alert?.firedAt ?? command.now;
  const startedAt = command.data.startedAt ?? detectedAt;
  if (!alert) plausible(startedAt, command.now);
  return [
    change('incident.declared', {
      incident: command.incident,
      title,
      severity,
      services: [...new Set(services)],
      // A first bad slice can only be before the alert; the alert's clock may be a moment ahead of ours.
      startedAt: earliest(startedAt, detectedAt),
      detectedAt,
      labels: labels ?? {},
      ...(summary ? { summary } : {}),
      ...(alert ? { alert } : {}),
      ...(escalationPolicy ? { escalationPolicy } : {}),
    }),
  ];
}

/**
 * Never after now; nor so long ago that nothing that was measured then is kept.
 * @throws CommandRefused 422
 */
function plausible(startedAt: string, now: string): void {
  const earliestKept = new Date(Date.parse(now) - MeasurementLimits.ageMillis).toISOString();
  if (startedAt > now) {
    throw CommandRefused.refused('startedAt is in the future', [
      { path: 'startedAt', message: `must not be after ${now}` },
    ]);
  }
  if (startedAt < earliestKept) {
    throw CommandRefused.refused('startedAt is too long ago', [
      {
        path: 'startedAt',
        message: `must not be before ${earliestKept}: measurements are kept for 400 days`,
      },
    ]);
  }
}

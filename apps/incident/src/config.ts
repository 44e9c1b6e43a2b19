import { durationMillis } from '@bellwether/contracts';
import type { IncidentSettings } from '@bellwether/incident';
import { installationTargets, serviceConfig } from '@bellwether/service/config';
import { z } from 'zod';

const wait = (fallback: string, meaning: string) =>
  z
    .string()
    .regex(/^(0|[1-9][0-9]{0,8}[smhdw])$/, 'is not a duration')
    .default(fallback)
    .describe(`${meaning}: a duration such as 30m, or 0`);

/** The variables of this service. */
export const incidentConfig = serviceConfig.extend({
  ...installationTargets,
  BELLWETHER_QUIET_PERIOD: wait(
    '30m',
    'how long an incident nobody took command of is quiet in monitoring until it resolves by itself (0 = never)',
  ),
  BELLWETHER_COMMAND_VACANCY: wait(
    '10m',
    'how long a sev1 or sev2 may be without somebody in command before that is escalated (0 = never)',
  ),
  BELLWETHER_STILL_FIRING: wait(
    '10m',
    'how long a page alert may fire on after its incident was resolved before that is reopened (0 = for ever)',
  ),
});
export type IncidentConfig = z.infer<typeof incidentConfig>;

export function settingsOf(config: IncidentConfig): IncidentSettings {
  const millis = (text: string) => (text === '0' ? 0 : durationMillis(text));
  return {
    quietPeriodMs: millis(config.BELLWETHER_QUIET_PERIOD),
    commandVacancyMs: millis(config.BELLWETHER_COMMAND_VACANCY),
    stillFiringMs: millis(config.BELLWETHER_STILL_FIRING),
  };
}

import { LogStreams, type RuleAlertFired, type SloStatus } from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { absenceRule, type Registry } from '../registry/registry.js';

type Shown = Required<Pick<SloStatus, 'absent'>>;

/** Which of the SLIs (`<service>/<sli>` each) an SLO or a rule reads is absent; of several, the one that is so the longest. */
export function absentNow({ absences }: Pick<Registry, 'absences'>, slis: readonly string[]): Shown {
  return shown(
    slis.flatMap((sli) => {
      const mark = absences.get(absenceRule(sli));
      return mark?.firing ? [{ sli, fired: mark.fired }] : [];
    }),
  );
}

/** Which was absent as of a moment, as the log had it then. */
export async function absentAsOf(
  log: Pick<EventLog, 'readStream'>,
  slis: readonly string[],
  asOf: Date,
): Promise<Shown> {
  const found = await Promise.all(
    slis.map(async (sli) => {
      const last = (await log.readStream(LogStreams.rule(absenceRule(sli)), { recordedUntil: asOf })).at(-1);
      return last?.type === 'rule.alert.fired' ? [{ sli, fired: last.data as RuleAlertFired }] : [];
    }),
  );
  return shown(found.flat());
}

function shown(firing: { sli: string; fired: RuleAlertFired }[]): Shown {
  const [longest] = firing.sort((a, b) => Date.parse(a.fired.eventTime) - Date.parse(b.fired.eventTime));
  if (longest === undefined) return { absent: null };
  const { sli, fired } = longest;
  return { absent: { sli, since: fired.eventTime, cadence: fired.cadence ?? null } };
}

import { LogStreams, type Rule, type Sli, type SloDefinition } from '@bellwether/contracts';
import type { EventLog, RecordedEvent } from '@bellwether/event-log';
import { type Classifier, classifier, measureOf } from '@bellwether/slo';

/** What takes any point: an alert without a definition, such as that of an SLI that fell silent. */
const anything = classifier({ kind: 'count' }, undefined);

/**
 * How the SLO or rule of an alert read points when the alert was decided: by its definition, and its SLI's unit, as the
 * log had them then.
 */
export async function classifierOf(
  log: Pick<EventLog, 'readStream'>,
  alert: RecordedEvent,
): Promise<Classifier> {
  const before = async <T>(stream: string, type: string): Promise<T | undefined> => {
    const events = await log.readStream(stream);
    return events.findLast((event) => event.type === type && event.position < alert.position)?.data as T;
  };
  const unitOf = async ({ service, sli }: { service: string; sli: string }) =>
    (await before<Sli>(LogStreams.sli(service, sli), 'sli.defined'))?.unit;
  const { slo, rule } = alert.data as { slo?: string; rule?: string };
  if (slo !== undefined) {
    const defined = await before<SloDefinition>(LogStreams.slo(slo), 'slo.defined');
    return defined === undefined ? anything : classifier(defined.indicator, await unitOf(defined));
  }
  const defined = rule === undefined ? undefined : await before<Rule>(LogStreams.rule(rule), 'rule.defined');
  if (defined === undefined) return anything;
  const unit = await unitOf(defined);
  return classifier(measureOf(defined.aggregate, unit), unit);
}

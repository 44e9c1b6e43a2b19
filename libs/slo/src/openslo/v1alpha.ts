type Fields = Record<string, unknown>;

const UNITS: Record<string, string> = {
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'M',
  quarter: 'Q',
  year: 'Y',
};

/**
 * An SLO of OpenSLO v1alpha, whose objectives each have their own metric, as SLOs of v1, one for each objective.
 * Fields that v1alpha has not are left as they are, for the reader of v1 to remark on.
 */
export function upgradeSlo(slo: Fields): Fields[] {
  const spec = fieldsOf(slo.spec);
  const metadata = fieldsOf(slo.metadata);
  const objectives = Array.isArray(spec.objectives) ? spec.objectives.map(fieldsOf) : [];
  const { objectives: _objectives, timeWindows, indicator: threshold, ...rest } = spec;
  return objectives.map((objective, i) => {
    const { ratioMetrics, ...target } = objective;
    const name = objectives.length > 1 ? `${metadata.name}-${i + 1}` : metadata.name;
    return {
      ...slo,
      apiVersion: 'openslo/v1',
      metadata: { ...metadata, name },
      spec: {
        ...rest,
        ...(Array.isArray(timeWindows) ? { timeWindow: timeWindows.map(timeWindow) } : {}),
        indicator: {
          metadata: { name },
          spec: ratioMetrics
            ? { ratioMetric: ratioMetric(fieldsOf(ratioMetrics)) }
            : { thresholdMetric: metric(fieldsOf(fieldsOf(threshold).thresholdMetric)) },
        },
        objectives: [target],
      },
    };
  });
}

function ratioMetric({ counter, ...metrics }: Fields): Fields {
  const ratio: Fields = Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, metric(fieldsOf(value))]),
  );
  return counter === undefined ? ratio : { counter, ...ratio };
}

const metric = ({ source, queryType: _queryType, ...spec }: Fields): Fields => ({
  metricSource: { type: source, spec },
});

function timeWindow(value: unknown): Fields {
  const { count, unit, isRolling, calendar } = fieldsOf(value);
  const { startTime, timeZone } = fieldsOf(calendar);
  return {
    duration: `${count}${UNITS[String(unit).toLowerCase()] ?? unit}`,
    isRolling: calendar === undefined || isRolling === true,
    ...(calendar === undefined ? {} : { calendar: { startTime, timeZone } }),
  };
}

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};

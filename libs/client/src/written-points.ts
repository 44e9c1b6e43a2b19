import {
  badPoint,
  type Fault,
  faultsOf,
  goodPoint,
  histogramPoint,
  type Labels,
  MeasurementLimits,
  type MeasurementPoint,
  resourceName,
  valuePoint,
} from '@bellwether/contracts';
import { MeasurementRefused } from './errors.js';

/** A point as it goes out, and its size. Written once: memory is counted in what is really held. */
export interface WrittenPoint {
  text: string;
  bytes: number;
  /** Bellwether may refuse its time, and with it the message that it is in: it goes out in one of its own. */
  alone: boolean;
}

/** Clocks differ: so far from what is refused by this one, milliseconds, a point may be refused by Bellwether's. */
const SKEW = { ahead: 4 * 60_000, age: 86_400_000 } as const;

/** Whether a point is of a time that may be refused. */
function isOfDoubtfulTime(at: string | undefined, now: Date): boolean {
  if (at === undefined) return false;
  const ahead = Date.parse(at) - now.getTime();
  const { aheadMillis, ageMillis } = MeasurementLimits;
  return ahead > aheadMillis - SKEW.ahead || ahead < SKEW.age - ageMillis;
}

/**
 * Checks points of an SLI and writes them. A point without a time gets one now: a repeat later must not say another.
 *
 * @param labels of all points that do not have them themselves
 * @throws MeasurementRefused for a name or a point that is not what the contract says
 */
export function writePoints(
  service: string,
  sli: string,
  points: readonly MeasurementPoint[],
  now: Date,
  labels: Labels = {},
): WrittenPoint[] {
  for (const [path, name] of [
    ['service', service],
    ['sli', sli],
  ] as const) {
    const message = resourceName.safeParse(name).error?.issues[0]?.message;
    if (message !== undefined) throw refusal([{ path, message }]);
  }
  const hasLabels = Object.keys(labels).length > 0;
  return points.map((given, index) => {
    const isPoint = typeof given === 'object' && given !== null;
    const point = hasLabels && isPoint ? { ...given, labels: { ...labels, ...given.labels } } : given;
    const parsed = schemaOf(point).safeParse(point);
    if (!parsed.success) {
      throw refusal(
        faultsOf(parsed.error).map(({ path, message }) => ({ path: placed(index, path), message })),
      );
    }
    const text = JSON.stringify(point.at === undefined ? { at: now.toISOString(), ...point } : point);
    return { text, bytes: Buffer.byteLength(text), alone: isOfDoubtfulTime(point.at, now) };
  });
}

// One kind's schema says what is wrong; the union of all says that nothing fits.
function schemaOf(point: MeasurementPoint) {
  if (typeof point !== 'object' || point === null) return goodPoint;
  if ('value' in point) return valuePoint;
  if ('buckets' in point) return histogramPoint;
  return 'bad' in point ? badPoint : goodPoint;
}

function placed(index: number, path: string): string {
  return path === '' ? `points.${index}` : `points.${index}.${path}`;
}

function refusal(faults: Fault[]): MeasurementRefused {
  return new MeasurementRefused(`${faults[0]?.path} ${faults[0]?.message}`, faults);
}

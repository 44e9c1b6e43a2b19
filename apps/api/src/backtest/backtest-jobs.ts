import {
  type BacktestRequest,
  type Clock,
  CommandRefused,
  durationMillis,
  LogStreams,
  MeasurementLimits,
  nearestNames,
  type Sli,
  type SloDefinition,
  sloDefinition,
} from '@bellwether/contracts';
import type { EventLog } from '@bellwether/event-log';
import { type Correction, Corrections, correctionFaults, planSlo } from '@bellwether/slo';
import { z } from 'zod';
import type { ResourceStore } from '../read/resource-store.js';
import { Paging } from '../routing/cursor.js';
import type { BacktestJob } from './job.js';

/** How far the clock of whoever asks "until now" may be ahead, milliseconds: that is not worth a note. */
const CLOCK_SKEW = 60_000;

/** Makes jobs of what is asked for: looks up what is named, and refuses what cannot be worked out. */
export class BacktestJobs {
  constructor(
    private readonly resources: Pick<ResourceStore, 'find' | 'list'>,
    private readonly log: Pick<EventLog, 'streamVersion' | 'readStream'>,
    private readonly clock: Clock,
  ) {}

  /**
   * @throws CommandRefused 404 for an SLO that does not exist, 422 for a definition that cannot be evaluated, an SLI that
   * was never measured, a composite, or a span in the future or before anything can have been measured
   */
  async of(request: BacktestRequest): Promise<Omit<BacktestJob, 'databaseUrl'>> {
    const { slo, from, to, points, incidents, grace } = request;
    const now = this.clock.now().getTime();
    const begin = Date.parse(from);
    if (begin >= now)
      throw CommandRefused.refused('nothing was measured in the future', [
        { path: 'from', message: `must be in the past: it is ${new Date(now).toISOString()}` },
      ]);
    const definition = typeof slo === 'string' ? await this.#named(slo) : slo;
    refuseComposite(definition, typeof slo === 'string' ? 'slo' : 'slo.indicator.kind');
    const sli = await this.#sli(definition);
    if (typeof slo !== 'string') refuseFaults(slo, sli?.unit);
    const tried = request.corrections.map((body, i): Correction => ({ ...body, id: `tried-${i}` }));
    refuseCorrections(tried);
    const earliest = await this.#earliest(definition, typeof slo === 'string');
    const until = Math.min(Date.parse(to), now);
    if (until <= earliest)
      throw CommandRefused.refused(`nothing was measured before ${iso(earliest)}`, [
        {
          path: 'from',
          message: `must be before a to that is after ${iso(earliest)}: nothing was measured before`,
        },
      ]);
    return {
      definition,
      unit: sli?.unit,
      cadence: sli?.cadence === undefined ? undefined : durationMillis(sli.cadence),
      corrections: [...(await this.#inEffect(definition.name)), ...tried],
      from: Math.max(begin, earliest),
      to: until,
      warnings: [
        ...(begin < earliest
          ? [`from: taken as ${iso(earliest)}, as nothing can have been measured before`]
          : []),
        ...(Date.parse(to) > now + CLOCK_SKEW
          ? [`to: taken as ${iso(now)}: nothing was measured in the future`]
          : []),
      ],
      points,
      incidents,
      grace: durationMillis(grace),
    };
  }

  async #named(name: string): Promise<SloDefinition> {
    const found = await this.resources.find('slo', name);
    if (found === undefined) throw CommandRefused.notFound(`SLO ${name}`);
    return sloDefinition.parse(found.data);
  }

  async #sli({ service, sli }: SloDefinition): Promise<Sli | undefined> {
    return (await this.resources.find('sli', `${service}/${sli}`))?.data as Sli | undefined;
  }

  /** Corrections are of the SLO's name: they hold for another definition of it, too. */
  async #inEffect(name: string): Promise<readonly Correction[]> {
    const events = await this.log.readStream(LogStreams.slo(name));
    return events.reduce((corrections, event) => corrections.evolve(event), Corrections.NONE).list;
  }

  /**
   * Before when nothing can have been measured: points have an age that they may have when they are first recorded.
   * A misspelt SLI would answer that nothing ever fired, which is the answer that one hopes for.
   * @throws CommandRefused 422 when nothing was ever measured
   */
  async #earliest({ service, sli }: SloDefinition, named: boolean): Promise<number> {
    const stream = LogStreams.measurement(service, sli);
    const [first] = await this.log.readStream(stream, { limit: 1 });
    if (first) return first.recordedAt.getTime() - MeasurementLimits.ageMillis;
    // All that there was is in the archive, from which none is worked out.
    if ((await this.log.streamVersion(stream)) > 0)
      return this.clock.now().getTime() - MeasurementLimits.ageMillis;
    const paging = Paging.of({ limit: 500 }, 'backtest', z.string());
    const known = await this.resources.list('sli', paging, { service });
    const near = nearestNames(
      sli,
      known.map(({ data }) => String(data.name)),
      3,
    ).filter((name) => name !== sli);
    const meant = near.length === 0 ? '' : `; of ${service} there is ${near.join(', ')}`;
    throw CommandRefused.refused(`nothing was ever measured of ${service}/${sli}`, [
      { path: named ? 'slo' : 'slo.sli', message: `has no measurements${meant}` },
    ]);
  }
}

const iso = (at: number): string => new Date(at).toISOString();

/** A backtest reads the measurements of one SLI. */
function refuseComposite({ indicator }: SloDefinition, path: string): void {
  if (indicator.kind !== 'composite') return;
  const components = [...new Set(indicator.of.map(({ slo }) => slo))].join(', ');
  throw CommandRefused.refused('an SLO made of SLOs has no measurements of its own to be backtested with', [
    { path, message: `must not be of a composite; ask for a backtest of a component: ${components}` },
  ]);
}

function refuseCorrections(corrections: readonly Correction[]): void {
  const faults = corrections.flatMap((correction, i) =>
    correctionFaults(correction).map(({ path, message }) => ({ path: `corrections.${i}.${path}`, message })),
  );
  if (faults.length > 0) throw CommandRefused.refused('a correction cannot be followed', faults);
}

function refuseFaults(definition: SloDefinition, unit: string | undefined): void {
  const planned = planSlo(definition, unit);
  if (planned.ok) return;
  const faults = planned.faults.map(({ path, message }) => ({ path: `slo.${path}`, message }));
  const [first] = faults;
  throw CommandRefused.refused(`the definition is refused: ${first?.path} ${first?.message}`, faults);
}

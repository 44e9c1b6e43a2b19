import { CommandRefused, MOST_SHIFT_DAYS, timestamp, withoutSecrets } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { ApiClock } from '../api-clock.js';
import { Writer } from '../commands/writer.js';
import { OnCallStore } from '../read/on-call-store.js';
import { ResourceReader } from '../read/resource-reader.js';
import { ResourceStore } from '../read/resource-store.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

const DAY = 86_400_000;
/** Span of shifts, milliseconds: when none is named, and at most. */
const SHIFTS = { default: 14 * DAY, most: MOST_SHIFT_DAYS * DAY } as const;

/** Users, schedules and escalation policies; who is, and will be, on call. */
@Controller()
export class OnCallController {
  constructor(
    private readonly resources: ResourceReader,
    private readonly store: ResourceStore,
    private readonly onCall: OnCallStore,
    private readonly writer: Writer,
    private readonly time: ApiClock,
  ) {}

  @Serves('listUsers')
  listUsers(@Input() { query }: InputOf<'listUsers'>) {
    return this.resources.list('user', query);
  }

  @Serves('getUser')
  getUser(@Input() { params, query }: InputOf<'getUser'>) {
    return this.resources.get('user', params.name, query);
  }

  @Serves('putUser')
  putUser(@Input() { params, body, request }: InputOf<'putUser'>) {
    const { actor, role } = principalOf(request);
    // Whoever may change how somebody is reached can take their pages.
    if (role !== 'admin' && actor !== `user:${params.name}`) {
      throw CommandRefused.forbidden(
        `this needs the role admin, or a token that is for the user ${params.name}`,
      );
    }
    return this.writer.write(request, 'paging.user-define', body, {
      current: () => this.resources.version('user', params.name),
      shown: (user) => withoutSecrets('user.defined', user),
    });
  }

  @Serves('listSchedules')
  listSchedules(@Input() { query }: InputOf<'listSchedules'>) {
    return this.resources.list('schedule', query);
  }

  @Serves('getSchedule')
  getSchedule(@Input() { params, query }: InputOf<'getSchedule'>) {
    return this.resources.get('schedule', params.name, query);
  }

  @Serves('putSchedule')
  putSchedule(@Input() { params, body, request }: InputOf<'putSchedule'>) {
    return this.writer.write(request, 'paging.schedule-define', body, {
      current: () => this.resources.version('schedule', params.name),
    });
  }

  @Serves('getShifts')
  async getShifts(@Input() { params, query }: InputOf<'getShifts'>) {
    const { asOf, minVersion } = query;
    const from = query.from === undefined ? this.time.now() : new Date(query.from);
    const to = query.to === undefined ? new Date(from.getTime() + SHIFTS.default) : new Date(query.to);
    spanOrRefuse(from, to);
    await this.resources.atVersion('schedule', params.name, minVersion);
    // A shift of the page before is known by when it began: where it began earlier than `from`, it was cut to that.
    const paging = Paging.of(query, ['shifts', params.name, asOf, query.from, query.to], timestamp);
    const after = paging.after;
    const begin = after === undefined ? from : new Date(after);
    // That one is found again, and one more says whether there is another page.
    const shifts = await this.onCall.shifts(params.name, begin, to, { most: paging.limit + 2, asOf });
    if (shifts === null) throw CommandRefused.notFound(`the schedule ${params.name}`);
    const later = after === undefined ? shifts : shifts.filter((shift) => shift.from > after);
    return paging.page(
      later.slice(0, paging.limit + 1),
      (shift) => shift.from,
      (shift) => shift,
    );
  }

  @Serves('listOverrides')
  async listOverrides(@Input() { params, query }: InputOf<'listOverrides'>) {
    const { asOf, from, to } = query;
    const all = await this.onCall.overrides(params.name, asOf);
    if (all === null) throw CommandRefused.notFound(`the schedule ${params.name}`);
    const paging = Paging.of(query, ['overrides', params.name, asOf, from, to], z.int());
    const after = paging.after ?? 0;
    const placed = all
      .filter(
        (override) => (from === undefined || override.to > from) && (to === undefined || override.from < to),
      )
      .map((override, place) => ({ override, place: place + 1 }));
    return paging.page(
      placed.slice(after, after + paging.limit + 1),
      ({ place }) => place,
      ({ override }) => override,
    );
  }

  @Serves('createOverride')
  createOverride(@Input() { params, body, request }: InputOf<'createOverride'>) {
    return this.writer.write(request, 'paging.override', body, {
      current: () => this.resources.version('schedule', params.name),
    });
  }

  @Serves('withdrawOverride')
  withdrawOverride(@Input() { params, request }: InputOf<'withdrawOverride'>) {
    return this.writer.write(
      request,
      'paging.override-withdraw',
      { schedule: params.name, id: params.id },
      { current: () => this.resources.version('schedule', params.name) },
    );
  }

  @Serves('listPolicies')
  listPolicies(@Input() { query }: InputOf<'listPolicies'>) {
    return this.resources.list('policy', query);
  }

  @Serves('getPolicy')
  getPolicy(@Input() { params, query }: InputOf<'getPolicy'>) {
    return this.resources.get('policy', params.name, query);
  }

  @Serves('putPolicy')
  putPolicy(@Input() { params, body, request }: InputOf<'putPolicy'>) {
    return this.writer.write(request, 'paging.policy-define', body, {
      current: () => this.resources.version('policy', params.name),
      shown: (policy) => withoutSecrets('policy.defined', policy),
    });
  }

  @Serves('getOnCall')
  async getOnCall(@Input() { query }: InputOf<'getOnCall'>) {
    const { asOf, schedule } = query;
    const at = query.at === undefined ? this.time.now() : new Date(query.at);
    if (schedule !== undefined) {
      const found = await this.onCall.at(schedule, at, asOf);
      if (found === null) throw CommandRefused.notFound(`the schedule ${schedule}`);
      return { items: [found], nextCursor: null };
    }
    const paging = Paging.of(query, ['oncall', asOf, query.at], z.string());
    const page = paging.page(
      await this.store.list('schedule', paging, { asOf }),
      ({ key }) => key,
      ({ key }) => key,
    );
    const items = await Promise.all(page.items.map((name) => this.onCall.at(name, at, asOf)));
    return { items: items.filter((item) => item !== null), nextCursor: page.nextCursor };
  }
}

function spanOrRefuse(from: Date, to: Date): void {
  const length = to.getTime() - from.getTime();
  if (length > 0 && length <= SHIFTS.most) return;
  throw CommandRefused.malformed('the span of shifts is empty or too long', [
    { path: 'query.to', message: `must be after from, by ${SHIFTS.most / DAY} days at most` },
  ]);
}

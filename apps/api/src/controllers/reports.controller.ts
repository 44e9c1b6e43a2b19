import { CommandRefused } from '@bellwether/contracts';
import { principalOf } from '@bellwether/service';
import {
  type ReportPeriod,
  reportCsv,
  reportMarkdown,
  reportPeriodAt,
  reportPeriodBefore,
  reportPeriodOf,
} from '@bellwether/slo';
import { Controller, Header, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiClock } from '../api-clock.js';
import { ReportReader } from '../reports/report-reader.js';
import { prefers } from '../routing/accept.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** How SLOs did over weeks and months. */
@Controller()
export class ReportsController {
  constructor(
    private readonly reports: ReportReader,
    private readonly time: ApiClock,
  ) {}

  @Serves('getReport')
  @Header('vary', 'accept')
  async get(
    @Input() { query, request }: InputOf<'getReport'>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { groupBy = 'team', team, service } = query;
    const period = periodOf(query, this.time.now());
    const report = await this.reports.read({ period, groupBy, team, service }, principalOf(request));
    switch (prefers(request.headers.accept, ['application/json', 'text/markdown', 'text/csv'])) {
      case 'text/markdown':
        reply.header('content-type', 'text/markdown; charset=utf-8');
        return reportMarkdown(report);
      case 'text/csv':
        reply.header('content-type', 'text/csv; charset=utf-8; header=present');
        reply.header('content-disposition', `attachment; filename="slo-report-${report.at}.csv"`);
        return reportCsv(report);
      default:
        return report;
    }
  }
}

/** The period that is asked for; the last one that is over where none is. @throws CommandRefused 400 */
function periodOf(
  { period: unit, at, timeZone = 'UTC' }: InputOf<'getReport'>['query'],
  now: Date,
): ReportPeriod {
  const current = reportPeriodAt(unit, timeZone, now.getTime());
  if (at === undefined) return reportPeriodBefore(current);
  const period = reportPeriodOf(unit, timeZone, at);
  const fault = (message: string) =>
    CommandRefused.malformed(`there is no report: at ${message}`, [{ path: 'query.at', message }]);
  if (period === null)
    throw fault(`must be a ${unit} such as ${unit === 'week' ? '2026-W47' : '2026-10'}, and ${at} is none`);
  if (period.from > now.getTime()) throw fault(`must not be in the future; the current one is ${current.at}`);
  return period;
}

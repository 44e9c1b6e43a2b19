import { z } from 'zod';
import { resourceName } from '../../names.js';
import { timeZone } from '../../time.js';
import { report } from '../../views/report.js';
import { defineRoutes } from '../route.js';

export const reportRoutes = defineRoutes({
  getReport: {
    app: 'api',
    method: 'GET',
    path: '/v1/reports',
    tag: 'reports',
    summary: 'How the SLOs of teams or services did over a week or a month, compared with the one before',
    access: 'viewer',
    query: z.strictObject({
      period: z.enum(['week', 'month']),
      at: z
        .string()
        .regex(/^\d{4}-(W\d\d|\d\d)$/, 'must be a week such as 2026-W47, or a month such as 2026-10')
        .optional()
        .describe('which one: `2026-W47`, `2026-10`; without it the last one that is over'),
      groupBy: z.enum(['team', 'service']).optional().describe('default `team`'),
      team: resourceName.optional(),
      service: resourceName.optional(),
      timeZone: timeZone.optional().describe('whose weeks, months and days; default `UTC`'),
    }),
    answers: {
      200: { description: 'The report', schema: report, mediaTypes: ['text/markdown', 'text/csv'] },
    },
  },
});

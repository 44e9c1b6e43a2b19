import { backtest, backtestRequest } from '../../views/backtest.js';
import { defineRoutes } from '../route.js';

export const backtestRoutes = defineRoutes({
  runBacktest: {
    app: 'api',
    method: 'POST',
    path: '/v1/backtests',
    tag: 'slos',
    summary: 'What would have fired, had a definition been in force; with labelled incidents, how well',
    access: 'viewer',
    body: { schema: backtestRequest },
    answers: {
      200: {
        description:
          'What would have fired; as `text/event-stream` with `progress` events before one `result`, or one `problem`. Nothing is changed by it',
        schema: backtest,
        mediaTypes: ['text/event-stream'],
      },
    },
  },
});

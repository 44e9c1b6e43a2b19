import { type Answers, type Document, ratio, rounded, rule, service, sli, slo, within } from './documents.js';

/** A kind of service, and what is usually promised and watched of it. */
export interface Template {
  description: string;
  /** What is taken where nothing is said. */
  usual: { tier: number; objective: number; seconds: number };
  /** What the bound of `--latency` is of. */
  bound: string;
  documents(answers: Answers): Document[];
  /** A first measurement of each SLI, as options of `publish`. */
  measurements(answers: Answers): Record<string, string>;
}

const SATURATION = 'how full the fullest resource is: CPU, memory, connections, disk';

/** A resource that fills up: a warning that leaves time, and does not come and go around its threshold. */
const saturated = (answers: Answers): Document =>
  rule(answers, 'saturated', 'A warning while there is time: it resolves below 70 %.', {
    sli: 'saturation',
    aggregate: 'mean',
    window: '5m',
    op: 'gt',
    threshold: 80,
    unit: 'percent',
    for: '15m',
    clear: { margin: 10 },
    severity: 'ticket',
    summary: 'above 80 % of capacity',
  });

/** Requests that are answered: by a site for people, or by an api for programs. */
function requests(answers: Answers, percentile: 'p95' | 'p99'): Document[] {
  const { objective, seconds } = answers;
  return [
    service(answers, { latency: { aggregate: percentile, threshold: rounded(seconds * 2), unit: 's' } }),
    sli(answers, 'availability', 'count', 'requests: good ones were answered without a fault of ours'),
    sli(answers, 'latency', 's', 'how long requests took'),
    sli(answers, 'saturation', 'percent', SATURATION),
    slo(answers, 'availability', 'The promise. It pages when the error budget burns too fast.', {
      objective,
      indicator: ratio,
    }),
    slo(answers, 'latency', `Slow is broken, too: 99 % of requests within ${seconds} s.`, {
      objective: 0.99,
      indicator: within(seconds),
    }),
    rule(answers, 'slow', 'An early word on latency, before its budget burns: for working hours.', {
      sli: 'latency',
      aggregate: percentile,
      window: '5m',
      op: 'gt',
      threshold: rounded(seconds * 2),
      unit: 's',
      for: '10m',
      clear: { threshold: rounded(seconds * 1.5) },
      severity: 'ticket',
      summary: `the slowest ${percentile === 'p95' ? 5 : 1} % of requests take more than ${rounded(seconds * 2)} s`,
    }),
    rule(
      answers,
      'no-traffic',
      'Nobody gets through, though nothing fails. Set it to what a quiet night has.',
      {
        sli: 'availability',
        aggregate: 'rate',
        window: '10m',
        op: 'lt',
        threshold: 0.01,
        for: '10m',
        severity: 'page',
        summary: 'there are hardly any requests',
      },
    ),
    saturated(answers),
  ];
}

const requestMeasurements = ({ seconds }: Answers): Record<string, string> => ({
  availability: '--good 998 --total 1000',
  latency: `--value ${rounded(seconds / 2)} --count 1000`,
  saturation: '--value 42',
});

export const templates: Readonly<Record<string, Template>> = {
  'web-service': {
    description: 'a site or service that people wait for',
    usual: { tier: 2, objective: 0.999, seconds: 0.5 },
    bound: 'a request',
    documents: (answers) => requests(answers, 'p95'),
    measurements: requestMeasurements,
  },
  api: {
    description: 'an api that programs call',
    usual: { tier: 2, objective: 0.999, seconds: 0.3 },
    bound: 'a request',
    documents: (answers) => requests(answers, 'p99'),
    measurements: requestMeasurements,
  },
  worker: {
    description: 'something that works off a backlog',
    usual: { tier: 3, objective: 0.995, seconds: 60 },
    bound: 'a task from its arrival to its end',
    documents: (answers) => [
      service(answers, {
        latency: { threshold: answers.seconds, unit: 's' },
        traffic: { sli: 'tasks' },
        errors: { sli: 'tasks' },
      }),
      sli(answers, 'tasks', 'count', 'tasks: good ones were done, whatever number of tries it took'),
      sli(answers, 'latency', 's', 'how long tasks took from their arrival to their end'),
      sli(answers, 'backlog', 'none', 'how many tasks wait'),
      slo(answers, 'tasks', 'The promise: tasks are done. It pages when the error budget burns too fast.', {
        objective: answers.objective,
        indicator: ratio,
      }),
      slo(answers, 'latency', `And soon: 99 % of tasks within ${answers.seconds} s of their arrival.`, {
        objective: 0.99,
        indicator: within(answers.seconds),
      }),
      rule(answers, 'behind', 'It never caught up for half an hour: the least it had to do is too much.', {
        sli: 'backlog',
        aggregate: 'min',
        window: '30m',
        op: 'gt',
        threshold: 1000,
        for: '5m',
        severity: 'ticket',
        summary: 'more than 1000 tasks wait, and do not get fewer',
      }),
    ],
    measurements: ({ seconds }) => ({
      tasks: '--good 998 --total 1000',
      latency: `--value ${rounded(seconds / 2)} --count 1000`,
      backlog: '--value 12',
    }),
  },
  'batch-job': {
    description: 'a job that runs now and then',
    usual: { tier: 3, objective: 0.95, seconds: 26 * 3600 },
    bound: 'the age of the last success',
    documents: (answers) => [
      service(answers, {
        latency: { sli: 'age', aggregate: 'min', threshold: answers.seconds, unit: 's' },
        traffic: { sli: 'runs' },
        errors: { sli: 'runs' },
      }),
      sli(answers, 'runs', 'count', 'runs: good ones succeeded'),
      sli(answers, 'age', 's', 'time since the last success, measured every few minutes'),
      slo(
        answers,
        'runs',
        'The promise: runs succeed. With few runs one failure is a large share: it takes two to alert.',
        { objective: answers.objective, indicator: ratio, alerting: { minBad: 2 } },
      ),
      rule(answers, 'overdue', 'What people notice: the result is old, whyever that is.', {
        sli: 'age',
        aggregate: 'min',
        window: '10m',
        op: 'gt',
        threshold: answers.seconds,
        unit: 's',
        for: '10m',
        severity: 'page',
        summary: `has not succeeded for ${rounded(answers.seconds / 3600)} hours`,
      }),
    ],
    measurements: () => ({ runs: '--good 1 --total 1', age: '--value 3600' }),
  },
  database: {
    description: 'a database, or another store',
    usual: { tier: 1, objective: 0.9995, seconds: 0.1 },
    bound: 'a query',
    documents: (answers) => [
      service(answers, { latency: { threshold: rounded(answers.seconds * 2), unit: 's' } }),
      sli(answers, 'availability', 'count', 'queries and probes: good ones were answered'),
      sli(answers, 'latency', 's', 'how long queries took'),
      sli(answers, 'saturation', 'percent', 'connections in use, of those there may be'),
      sli(answers, 'disk', 'percent', 'how full the fullest disk is'),
      sli(answers, 'replication-lag', 's', 'how far the slowest replica is behind'),
      slo(answers, 'availability', 'The promise. It pages when the error budget burns too fast.', {
        objective: answers.objective,
        indicator: ratio,
      }),
      slo(answers, 'latency', `99 % of queries within ${answers.seconds} s.`, {
        objective: 0.99,
        indicator: within(answers.seconds),
      }),
      saturated(answers),
      rule(answers, 'disk-filling', 'A warning while there is time to add room or to clean up.', {
        sli: 'disk',
        aggregate: 'max',
        window: '10m',
        op: 'gt',
        threshold: 80,
        unit: 'percent',
        for: '30m',
        clear: { margin: 5 },
        severity: 'ticket',
        summary: 'a disk is 80 % full',
      }),
      rule(answers, 'disk-full', 'A full disk stops everything: no waiting here.', {
        sli: 'disk',
        aggregate: 'max',
        window: '5m',
        op: 'gt',
        threshold: 95,
        unit: 'percent',
        clear: { margin: 5 },
        severity: 'page',
        summary: 'a disk is 95 % full',
      }),
      rule(answers, 'replica-behind', 'Reads are stale, and a failover would lose that much.', {
        sli: 'replication-lag',
        aggregate: 'p90',
        window: '5m',
        op: 'gt',
        threshold: 30,
        unit: 's',
        for: '10m',
        severity: 'ticket',
        summary: 'a replica is more than 30 s behind',
      }),
    ],
    measurements: ({ seconds }) => ({
      ...requestMeasurements({ seconds } as Answers),
      disk: '--value 55',
      'replication-lag': '--value 0.2',
    }),
  },
  queue: {
    description: 'a queue or stream between services',
    usual: { tier: 1, objective: 0.9999, seconds: 300 },
    bound: 'the age of the oldest message',
    documents: (answers) => [
      service(answers, { latency: { sli: 'age', aggregate: 'min', threshold: answers.seconds, unit: 's' } }),
      sli(answers, 'availability', 'count', 'messages: good ones were taken and acknowledged'),
      sli(answers, 'age', 's', 'age of the oldest message that waits'),
      sli(answers, 'saturation', 'percent', 'storage in use, of what there is'),
      slo(answers, 'availability', 'The promise. It pages when the error budget burns too fast.', {
        objective: answers.objective,
        indicator: ratio,
      }),
      rule(answers, 'stuck', 'Nobody reads: the oldest message only grows older.', {
        sli: 'age',
        aggregate: 'min',
        window: '5m',
        op: 'gt',
        threshold: answers.seconds,
        unit: 's',
        for: '5m',
        severity: 'page',
        summary: `messages wait for more than ${answers.seconds} s`,
      }),
      saturated(answers),
    ],
    measurements: () => ({
      availability: '--good 998 --total 1000',
      age: '--value 2',
      saturation: '--value 42',
    }),
  },
};

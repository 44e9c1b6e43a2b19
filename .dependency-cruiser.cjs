/**
 * The allowed imports (docs/decisions/0002). infra/test/src/boundaries.spec.ts plants a violation of each
 * rule and sees it refused.
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'nothing-imports-apps',
      comment: 'Services meet on the bus and in the log, never in code.',
      severity: 'error',
      from: { path: '^(apps|libs|infra)/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^$1/$2/' },
    },
    {
      name: 'libs-import-contracts-only',
      comment: 'event-log, bus, service and the domain libs know the contracts and nothing else of ours.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/src', pathNot: '[.](int|e2e)[.]spec[.]ts$|[.]fixture[.]ts$' },
      to: { path: '^(libs|infra)/', pathNot: '^libs/($1|contracts)/' },
    },
    {
      name: 'contracts-depend-on-zod-alone',
      severity: 'error',
      from: { path: '^libs/contracts/src', pathNot: '[.]spec[.]ts$' },
      to: { pathNot: ['^libs/contracts/src/', '(^|/)node_modules/zod(/|$)'] },
    },
    {
      name: 'domain-is-pure',
      comment:
        'The domain libs do no I/O, read no clock and know no framework: they import what computes, and nothing else.',
      severity: 'error',
      from: {
        path: '^libs/(slo|incident|oncall|practice)/src',
        pathNot: '[.]spec[.]ts$|[.]fixture[.]ts$',
      },
      to: {
        pathNot: [
          '^libs/[^/]+/src/',
          // Hashes and signatures of what is passed in.
          '^(node:)?crypto$',
          // Wherever npm has put it: at the top, or below the lib itself for a version of its own.
          '(^|/)node_modules/(zod|yaml|rrule|temporal-polyfill|@datadog/sketches-js|@prometheus-io/lezer-promql|@lezer/common)(/|$)',
        ],
      },
    },
    {
      name: 'no-deep-imports',
      comment:
        'Other packages are reached through their index. The clock and the variables of services have entries of their own, for a local run and the demo, which want nothing else of what a service is made of.',
      severity: 'error',
      from: { path: '^(apps|libs|infra)/([^/]+)/' },
      to: {
        path: '^(libs|infra)/[^/]+/src/',
        pathNot: ['^$1/$2/', '/src/index[.]ts$', '^libs/service/src/(clock|config)[.]ts$'],
      },
    },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', 'dist'] },
    // Our own builds; a dependency's `dist` is where many packages have their code, and is not to go unseen.
    exclude: { path: ['^(apps|libs|infra)/[^/]+/dist/', 'node_modules/[.]'] },
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@bellwether/source', 'import', 'node', 'default'],
    },
  },
};

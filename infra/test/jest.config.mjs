// One configuration, three projects by file name: x.spec.ts (pure), x.int.spec.ts (real Postgres and NATS),
// x.e2e.spec.ts (real processes). Native ESM: NestJS 12 is ESM only, and Jest's CJS runtime cannot load it.
import path from 'node:path';

const swc = {
  swcrc: false,
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
    keepClassNames: true,
  },
  module: { type: 'es6' },
  sourceMaps: 'inline',
};

const shared = {
  rootDir: path.resolve(import.meta.dirname, '../..'),
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/infra'],
  testEnvironment: '<rootDir>/infra/test/plain-globals.mjs',
  testEnvironmentOptions: { customExportConditions: ['@bellwether/source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+[.]ts$': ['@swc/jest', swc] },
  moduleNameMapper: { '^([.]{1,2}/.*)[.]js$': '$1' },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['/dist/', '/.nx/'],
  globalTeardown: '<rootDir>/infra/test/exit-check.mjs',
};

export default {
  watchman: false,
  // No test may depend on the machine's speed: this only ends one that hangs.
  testTimeout: 60_000,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['**/src/**/*.spec.ts'],
      testPathIgnorePatterns: ['/node_modules/', '/dist/', '[.](int|e2e)[.]spec[.]ts$'],
    },
    {
      ...shared,
      displayName: 'int',
      testMatch: ['**/src/**/*.int.spec.ts'],
      globalSetup: '<rootDir>/infra/test/global-setup.mjs',
      globalTeardown: '<rootDir>/infra/test/global-teardown.mjs',
    },
    { ...shared, displayName: 'e2e', testMatch: ['**/src/**/*.e2e.spec.ts'] },
  ],
};

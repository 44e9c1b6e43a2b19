import { describe, expect, test } from '@jest/globals';
import { serviceProblems, unknownVariables } from './service-settings.js';
import { services } from './services.js';
import { portVariables } from './settings.js';

describe('the settings of the services, as they are built', () => {
  test('nothing that a local run sets by itself is missed', async () => {
    expect(await serviceProblems(services, {})).toEqual([]);
  });

  test("each service's own variables are looked at, each said once", async () => {
    const wrong = {
      BELLWETHER_LOG_LEVEL: 'nonsense',
      BELLWETHER_ABSENT_CADENCES: '1',
      BELLWETHER_ACKNOWLEDGE_LINK_HOURS: 'forty',
      BELLWETHER_FALLBACK_TARGET: 'somebody',
      BELLWETHER_QUIET_PERIOD: 'soon',
      BELLWETHER_RELAY_RETENTION: 'long',
      BELLWETHER_STRICT: 'perhaps',
    };
    const problems = await serviceProblems(services, wrong);
    expect(problems.map((line) => line.split(' ')[0]).sort()).toEqual(Object.keys(wrong).sort());
    expect(problems.join('\n')).not.toMatch(/nonsense|forty|somebody|soon|perhaps/);
  });

  test('variables that nobody reads are told of, with what may have been meant', async () => {
    const env = {
      BELLWETHER_API_PRT: '1',
      bellwether_log_level: 'info',
      BELLWETHER_QUIET_PERIODS: '5m',
      BELLWETHER_COFFEE_MACHINE: 'on',
      BELLWETHER_FALLBACK_TARGET: 'user:ada',
      BELLWETHER_URL: 'http://127.0.0.1:1',
      BELLWETHER_POSTGRES_PORT: '5',
      BELLWETHER_NATS_PUBLISHER_PASSWORD: 'x',
    };
    expect(await unknownVariables(services, env)).toEqual([
      'BELLWETHER_API_PRT is not known, and is ignored; did you mean BELLWETHER_API_PORT?',
      'BELLWETHER_COFFEE_MACHINE is not known, and is ignored',
      'BELLWETHER_QUIET_PERIODS is not known, and is ignored; did you mean BELLWETHER_QUIET_PERIOD?',
      'bellwether_log_level is not known, and is ignored; did you mean BELLWETHER_LOG_LEVEL?',
    ]);
    const ports = Object.fromEntries(Object.values(portVariables).map(({ variable }) => [variable, '1']));
    expect(await unknownVariables(services, ports)).toEqual([]);
  });
});

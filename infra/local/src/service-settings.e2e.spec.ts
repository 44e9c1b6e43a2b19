import { describe, expect, test } from '@jest/globals';
import { serviceProblems } from './service-settings.js';
import { services } from './services.js';

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
});

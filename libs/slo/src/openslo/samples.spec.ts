import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { sorted } from '../interchange/definitions.fixture.js';
import { noteText } from '../interchange/notes.js';
import { exportOpenSlo } from './export.js';
import { importOpenSlo } from './import.js';

// The specification's own examples, where this machine has them beside the checkout.
const folder = path.join(
  process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../../shared/data'),
  'openslo',
);
const present = existsSync(folder) ? test : test.skip;
const read = (file: string) =>
  parseAllDocuments(readFileSync(path.join(folder, file), 'utf8')).map((document) => document.toJS());

/** Why the reference refuses a file; null when it does not. */
const REFERENCE: Record<string, RegExp | null> = {
  'budgeting-method/occurences-slo.yaml': null,
  'budgeting-method/ratio-timeslices.yaml':
    /^SLO main-page: spec.objectives.0.op: is forbidden with ratioMetric/,
  'budgeting-method/timeslices-slo.yaml':
    /^SLO service-availability: spec.objectives.0.op: is forbidden with ratioMetric/,
  'treat-low-traffic-as-equally-important/timeslices-slo.yaml':
    /^SLO service-availability: spec.objectives.0.op: is forbidden with ratioMetric/,
};

describe("OpenSLO's examples", () => {
  present('are all known to this test', () => {
    expect(globSync('**/*.yaml', { cwd: folder }).sort()).toEqual(Object.keys(REFERENCE).sort());
  });

  present.each(Object.entries(REFERENCE))('%s, strictly', (file, reason) => {
    const result = importOpenSlo(read(file), { strict: true });
    expect(result.ok).toBe(reason === null);
    if (!result.ok && reason) expect(result.faults.map(noteText)).toEqual([expect.stringMatching(reason)]);
  });

  present.each(Object.keys(REFERENCE))(
    '%s is imported leniently, and import, export, import is the identity',
    (file) => {
      const first = importOpenSlo(read(file));
      if (!first.ok) throw new Error(first.faults.map(noteText).join('\n'));
      const again = importOpenSlo(JSON.parse(JSON.stringify(exportOpenSlo(first.definitions))));
      if (!again.ok) throw new Error(again.faults.map(noteText).join('\n'));
      expect(sorted(again.definitions)).toEqual(sorted(first.definitions));
      expect(first.definitions.slos.length).toBeGreaterThan(0);
    },
  );

  present('a month that is written as one minute is taken as a month, with a remedy', () => {
    const result = importOpenSlo(read('budgeting-method/timeslices-slo.yaml'));
    expect(result.ok && result.definitions.slos.map(({ name, window }) => [name, window])).toEqual([
      ['service-availability-internal-objective', { calendar: 'month', timeZone: 'America/New_York' }],
      ['service-availability-sla', { calendar: 'month', timeZone: 'America/New_York' }],
    ]);
    expect(result.warnings.map(noteText)).toContainEqual(
      expect.stringMatching(/spec.timeWindow.0.duration: is one minute.*write 1M$/),
    );
  });
});

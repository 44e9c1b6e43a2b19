import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ManualClock, systemClock } from '@bellwether/contracts';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { clockFromEnvironment, OffsetClock } from './clock.js';

const folder = mkdtempSync(path.join(tmpdir(), 'bellwether-clock-'));
afterEach(() => rmSync(path.join(folder, 'offset'), { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

describe('clock of a rehearsal', () => {
  const file = path.join(folder, 'offset');

  test('without a file named it is the machine’s clock', () => {
    expect(clockFromEnvironment({})).toBe(systemClock);
    expect(clockFromEnvironment({ BELLWETHER_CLOCK_FILE: '' })).toBe(systemClock);
  });

  test('adds the offset in the file, and follows it when it moves', () => {
    const system = new ManualClock('2026-11-22T10:00:00Z');
    const clock = new OffsetClock(file, system);
    expect(clock.now().toISOString()).toBe('2026-11-22T10:00:00.000Z');
    writeFileSync(file, '3600000\n');
    expect(clock.now().toISOString()).toBe('2026-11-22T11:00:00.000Z');
    system.advance(20);
    expect(clock.now().toISOString()).toBe('2026-11-22T11:00:00.020Z');
  });

  test('a file caught half written keeps the last offset', () => {
    const system = new ManualClock('2026-11-22T10:00:00Z');
    const clock = new OffsetClock(file, system);
    writeFileSync(file, '60000');
    expect(clock.now().toISOString()).toBe('2026-11-22T10:01:00.000Z');
    for (const text of ['', '-', '6e']) {
      writeFileSync(file, text);
      system.advance(20);
      expect(clock.now().getTime() - system.now().getTime()).toBe(60_000);
    }
  });
});

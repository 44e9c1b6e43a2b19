import { describe, expect, test } from '@jest/globals';

interface Prepare {
  natsServer: { debian: string };
  installation(
    program: { debian: string },
    machine: { platform: string; isRoot: boolean; has: (program: string) => boolean },
  ): {
    by: string;
    command: string;
  };
}
const file = '../bin/prepare.mjs';
const { installation, natsServer } = (await import(file)) as Prepare;

describe('nats-server', () => {
  const machine = (platform: string, isRoot: boolean, ...programs: string[]) =>
    installation(natsServer, { platform, isRoot, has: (program) => programs.includes(program) });

  test('is installed by root on Debian, and by anybody with Homebrew', () => {
    expect(machine('linux', true, 'apt-get')).toMatchObject({ by: 'apt' });
    expect(machine('darwin', false, 'brew')).toEqual({ by: 'brew', command: 'brew install nats-server' });
  });

  test('else the person is told the command', () => {
    expect(machine('linux', false, 'apt-get')).toEqual({
      by: 'hand',
      command: "sudo sh -c 'apt-get update && apt-get install -y nats-server'",
    });
    expect(machine('darwin', true, 'brew')).toMatchObject({
      by: 'hand',
      command: 'brew install nats-server',
    });
    expect(machine('linux', true).command).toContain('github.com/nats-io/nats-server');
  });
});

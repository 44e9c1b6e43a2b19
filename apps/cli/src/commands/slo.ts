import type { SloDefinition } from '@bellwether/contracts';
import type { Command } from 'commander';
import { type OpenSession, present, warn } from './command.js';

/** `slo …`. */
export function sloCommands(program: Command, open: OpenSession): void {
  const slo = program
    .command('slo')
    .description('end SLOs; "apply" defines them, "status" shows how they do');
  slo
    .command('retire')
    .argument('<name>')
    .description('end an SLO; alerts of it that fire are resolved, its past stays in the log (role admin)')
    .addHelpText('after', '\nApplying its manifest again brings it back.')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const { body } = await session.http.delete<SloDefinition & { warnings?: string[] }>(
        `/v1/slos/${encodeURIComponent(name)}`,
      );
      warn(session, body);
      present(session, body, () => `${name} is retired`);
    });
}

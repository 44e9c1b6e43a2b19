import { CommandRefused, type CommandRequest, type Role } from '@bellwether/contracts';
import { may } from '@bellwether/service';

/** @throws CommandRefused 403 when the caller's role does not include the one asked for */
export function requireRole({ actor, role }: CommandRequest, needed: Role): void {
  if (!may({ actor, name: actor, role }, [needed])) {
    throw CommandRefused.forbidden(`this takes the role ${needed}`);
  }
}

import type { CommandReply, CommandRequest, EventEnvelope } from '@bellwether/contracts';
import { Controller } from '@nestjs/common';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Definitions } from './definitions.js';
import { Overrides } from './overrides.js';
import { PageCommands } from './page-commands.js';
import { Reactions } from './reactions.js';
import { Tokens } from './tokens.js';

/** The commands that paging answers. */
@Controller()
export class CommandsController {
  constructor(
    private readonly definitions: Definitions,
    private readonly overrides: Overrides,
    private readonly pages: PageCommands,
    private readonly tokens: Tokens,
  ) {}

  @MessagePattern('cmd.paging.user-define')
  defineUser(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.definitions.defineUser(request);
  }

  @MessagePattern('cmd.paging.schedule-define')
  defineSchedule(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.definitions.defineSchedule(request);
  }

  @MessagePattern('cmd.paging.policy-define')
  definePolicy(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.definitions.definePolicy(request);
  }

  @MessagePattern('cmd.paging.override')
  override(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.overrides.override(request);
  }

  @MessagePattern('cmd.paging.override-withdraw')
  withdrawOverride(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.overrides.withdraw(request);
  }

  @MessagePattern('cmd.paging.page-acknowledge')
  acknowledge(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.pages.acknowledge(request);
  }

  @MessagePattern('cmd.paging.page-escalate')
  escalate(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.pages.escalate(request);
  }

  @MessagePattern('cmd.paging.page-reassign')
  reassign(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.pages.reassign(request);
  }

  @MessagePattern('cmd.paging.token-create')
  createToken(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.tokens.create(request);
  }

  @MessagePattern('cmd.paging.token-revoke')
  revokeToken(@Payload() request: CommandRequest): Promise<CommandReply> {
    return this.tokens.revoke(request);
  }
}

/** The events that paging reacts to. */
@Controller()
export class ReactionsController {
  constructor(private readonly reactions: Reactions) {}

  @EventPattern('incident.declared')
  declared(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.declared(event);
  }

  @EventPattern('incident.reopened')
  reopened(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.reopened(event);
  }

  @EventPattern('incident.severity-changed')
  severityChanged(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.severityChanged(event);
  }

  @EventPattern('incident.status-changed')
  statusChanged(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.statusChanged(event);
  }

  @EventPattern('incident.absorbed')
  absorbed(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.absorbed(event);
  }

  @EventPattern('incident.command-vacant')
  commandVacant(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.commandVacant(event);
  }

  @EventPattern('incident.resolved')
  resolved(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.ended(event, 'resolved');
  }

  @EventPattern('incident.merged')
  merged(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.ended(event, 'merged');
  }

  @EventPattern('page.*')
  pageChanged(@Payload() event: EventEnvelope): Promise<void> {
    return this.reactions.pageChanged(event);
  }
}

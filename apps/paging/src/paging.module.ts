import { type DynamicModule, Module } from '@nestjs/common';
import { Definitions } from './definitions.js';
import { Overrides } from './overrides.js';
import { PageCommands } from './page-commands.js';
import { CommandsController, ReactionsController } from './paging.controller.js';
import { Reactions } from './reactions.js';
import { Tokens } from './tokens.js';

@Module({})
class PagingModule {}

/** The handlers of the paging service, given what they work on. */
export function pagingModule(parts: {
  definitions: Definitions;
  overrides: Overrides;
  pages: PageCommands;
  tokens: Tokens;
  reactions: Reactions;
}): DynamicModule {
  return {
    module: PagingModule,
    controllers: [CommandsController, ReactionsController],
    providers: [
      { provide: Definitions, useValue: parts.definitions },
      { provide: Overrides, useValue: parts.overrides },
      { provide: PageCommands, useValue: parts.pages },
      { provide: Tokens, useValue: parts.tokens },
      { provide: Reactions, useValue: parts.reactions },
    ],
  };
}

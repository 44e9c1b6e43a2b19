import { principalOf } from '@bellwether/service';
import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Writer } from '../commands/writer.js';
import { TokenStore } from '../read/token-store.js';
import { Paging } from '../routing/cursor.js';
import { Input, type InputOf } from '../routing/input.js';
import { Serves } from '../routing/serves.js';

/** Access tokens, and whom one speaks for. */
@Controller()
export class AccessController {
  constructor(
    private readonly tokens: TokenStore,
    private readonly writer: Writer,
  ) {}

  @Serves('whoAmI')
  whoAmI(@Input() { request }: InputOf<'whoAmI'>) {
    const { actor, name, role } = principalOf(request);
    return { actor, name, role };
  }

  @Serves('listTokens')
  async list(@Input() { query }: InputOf<'listTokens'>) {
    const paging = Paging.of(query, 'tokens', z.int());
    return paging.page(
      await this.tokens.list(paging),
      ({ position }) => position,
      ({ token }) => token,
    );
  }

  @Serves('createToken')
  create(@Input() { body, request }: InputOf<'createToken'>) {
    return this.writer.write(request, 'paging.token-create', body, {
      current: async () => 0,
      isNew: true,
      versioned: false,
      secretAnswer: true,
    });
  }

  @Serves('revokeToken')
  revoke(@Input() { params, request }: InputOf<'revokeToken'>) {
    return this.writer.write(
      request,
      'paging.token-revoke',
      { id: params.id },
      { current: async () => 0, versioned: false },
    );
  }
}

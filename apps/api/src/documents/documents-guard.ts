import { HttpProblem, TokenAuthority } from '@bellwether/service';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/**
 * The documents need a token like everything else. A browser can only be asked for one by Basic authentication, so
 * here, where there is nothing to write, the token may come as the password.
 */
@Injectable()
export class DocumentsGuard implements CanActivate {
  constructor(private readonly authority: TokenAuthority) {}

  canActivate(context: ExecutionContext): boolean {
    const { authorization } = context.switchToHttp().getRequest<FastifyRequest>().headers;
    if (this.authority.authenticate(bearerOf(authorization)) !== null) return true;
    const { problem } = HttpProblem.notAuthenticated(
      'send a token: Authorization: Bearer <token>, or as the password in a browser',
    );
    throw new HttpProblem(problem, {
      // A line each: Chromium reads only the first challenge of a line, and asks nobody when that is Bearer.
      'www-authenticate': ['Bearer realm="bellwether"', 'Basic realm="bellwether", charset="UTF-8"'],
    });
  }
}

/** The header as a bearer header: `Basic` with the token as password counts as one. */
function bearerOf(authorization: string | undefined): string | undefined {
  const basic = /^basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return authorization;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return `Bearer ${text.slice(text.indexOf(':') + 1)}`;
}

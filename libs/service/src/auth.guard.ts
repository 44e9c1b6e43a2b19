import { CommandRefused, type Role } from '@bellwether/contracts';
import {
  applyDecorators,
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
} from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from './problem.js';
import { requestContext } from './request-context.js';
import { may, type Principal, TokenAuthority } from './token-authority.js';

const rolesKey = 'bellwether:roles';
const publicKey = 'bellwether:public';
const principals = new WeakMap<object, Principal>();

/** The roles that may use a route (a role includes those below it: an admin may do what a viewer may). */
export const Roles = (...roles: [Role, ...Role[]]): ReturnType<typeof SetMetadata> =>
  SetMetadata(rolesKey, roles);

/** A handler that needs no token, such as one behind a signed link. */
export const Public = (): MethodDecorator =>
  applyDecorators(SetMetadata(publicKey, true), RouteConfig({ public: true }));

/** The authenticated {@link Principal}, as a handler's parameter. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  return principalOf(context.switchToHttp().getRequest<FastifyRequest>());
});

/** Who a request comes from. @throws HttpProblem 401 on a public route without a token */
export function principalOf(request: FastifyRequest): Principal {
  const principal = principals.get(request.raw);
  if (principal === undefined) throw HttpProblem.notAuthenticated('this route needs a bearer token');
  return principal;
}

/** Reads the token of a request, once; null when it has none that is valid. */
export function identify(request: FastifyRequest, authority: TokenAuthority): Principal | null {
  const known = principals.get(request.raw);
  if (known !== undefined) return known;
  const principal = authority.authenticate(request.headers.authorization);
  if (principal === null) return null;
  principals.set(request.raw, principal);
  const context = requestContext.getStore();
  if (context !== undefined) context.actor = principal.actor;
  return principal;
}

/** Why a request without a valid token is refused. */
export function notAuthenticated(request: FastifyRequest): HttpProblem {
  const { authorization } = request.headers;
  if (authorization === undefined)
    return HttpProblem.notAuthenticated('send a token: Authorization: Bearer <token>');
  return HttpProblem.notAuthenticated(
    // What a browser sends to everything of this address, once it was let in to the documents.
    /^basic /i.test(authorization)
      ? 'a name and password open the documents alone: send the token as Authorization: Bearer <token>, in the documents by "Authorize"'
      : 'the token is not known, or was revoked',
  );
}

/**
 * Lets a request through when its token's role is one of the route's {@link Roles}. A route that says neither
 * `@Roles` nor `@Public` is for admins only, so that forgetting it opens nothing.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(private readonly authority: TokenAuthority) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const principal = identify(request, this.authority);
    if (metadata<boolean>(publicKey, context) === true) return true;
    if (principal === null) throw notAuthenticated(request);
    const roles = metadata<readonly Role[]>(rolesKey, context) ?? ['admin'];
    if (!may(principal, roles)) {
      throw CommandRefused.forbidden(
        `this needs the role ${roles.join(' or ')}; the token has ${principal.role}`,
      );
    }
    return true;
  }
}

function metadata<T>(key: string, context: ExecutionContext): T | undefined {
  return (Reflect.getMetadata(key, context.getHandler()) ?? Reflect.getMetadata(key, context.getClass())) as
    | T
    | undefined;
}

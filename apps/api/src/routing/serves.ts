import { type Access, type Route, type RouteName, routeOf } from '@bellwether/contracts';
import { Public, Roles } from '@bellwether/service';
import { applyDecorators, Delete, Get, HttpCode, Post, Put, SetMetadata } from '@nestjs/common';

const METHODS = { GET: Get, POST: Post, PUT: Put, DELETE: Delete } as const;
const routeKey = 'bellwether:route';

/** Makes a handler serve a route of the table: its path, method, role and first status come from there. */
export const Serves = (name: RouteName): MethodDecorator => {
  const route = routeOf(name);
  return applyDecorators(
    METHODS[route.method](nestPath(route.path)),
    HttpCode(Number(Object.keys(route.answers)[0])),
    access(route.access),
    SetMetadata(routeKey, name),
  );
};

/** The route that a handler serves. @throws Error when it was not declared with {@link Serves} */
export function servedRoute(handler: object): Route {
  const name = Reflect.getMetadata(routeKey, handler) as RouteName | undefined;
  if (name === undefined) throw new Error('this handler serves no route of the table');
  return routeOf(name);
}

/** `/v1/slos/{name}` → `/v1/slos/:name`. */
export function nestPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

function access(given: Access): MethodDecorator {
  switch (given) {
    case 'public':
    case 'signed-link':
    // The guard of the documents asks for the token itself.
    case 'browser-token':
      return Public();
    case 'any-token':
      return Roles('viewer', 'publisher');
    default:
      return Roles(given);
  }
}

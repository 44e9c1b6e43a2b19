import type { JsonSchema, Side } from './json-schema.js';
import { type Incompatibility, schemaIncompatibilities } from './schema-compatibility.js';
import { resolve } from './schema-reading.js';

export type { Incompatibility } from './schema-compatibility.js';

type Section = Record<string, JsonSchema>;

const METHODS = ['get', 'post', 'put', 'delete'] as const;

/** Who may call a route, from the least to the most that is asked for. */
const ACCESS = ['public', 'signed-link', 'browser-token', 'any-token', 'viewer', 'responder', 'admin'];

/** What an OpenAPI document took away or narrowed since an earlier one. Empty: programs written for it go on working. */
export function openApiIncompatibilities(before: JsonSchema, after: JsonSchema): Incompatibility[] {
  const found: Incompatibility[] = [];
  const compare = (was: unknown, is: unknown, side: Side, at: string) =>
    found.push(
      ...schemaIncompatibilities(
        { root: (was ?? {}) as JsonSchema, document: before },
        { root: (is ?? {}) as JsonSchema, document: after },
        side,
        at,
      ),
    );

  for (const [path, item] of Object.entries(before.paths as Section)) {
    for (const method of METHODS) {
      if (!item[method]) continue;
      const was = item[method] as JsonSchema;
      const is = (after.paths as Section)[path]?.[method] as JsonSchema | undefined;
      const at = `${method.toUpperCase()} ${path}`;
      if (!is) found.push({ at, message: 'the route is gone' });
      else found.push(...operationIncompatibilities(was, is, at, compare));
    }
  }
  for (const [name, item] of Object.entries((before.webhooks ?? {}) as Section)) {
    const is = (after.webhooks as Section | undefined)?.[name];
    if (!is) found.push({ at: `webhook ${name}`, message: 'the webhook is gone' });
    else compare(bodyOf(item.post), bodyOf(is.post), 'output', `webhook ${name} body`);
  }
  return found;
}

const bodyOf = (operation: unknown) =>
  ((operation as JsonSchema | undefined)?.requestBody as { content: Section } | undefined)?.content[
    'application/json'
  ]?.schema;

type Compare = (was: unknown, is: unknown, side: Side, at: string) => void;

function operationIncompatibilities(
  was: JsonSchema,
  is: JsonSchema,
  at: string,
  compare: Compare,
): Incompatibility[] {
  const found: Incompatibility[] = [];
  const access = (operation: JsonSchema) => ACCESS.indexOf(String(operation['x-access'] ?? 'public'));
  if (access(is) > access(was))
    found.push({
      at,
      message: `asks for ${is['x-access']}, where ${was['x-access'] ?? 'no token'} was enough`,
    });
  if (was.operationId !== is.operationId)
    found.push({ at, message: `operationId was ${was.operationId} and is ${is.operationId}` });

  const parameters = (operation: JsonSchema) =>
    new Map(
      ((operation.parameters ?? []) as JsonSchema[]).map((parameter) => [
        `${parameter.in} ${parameter.name}`,
        parameter,
      ]),
    );
  const now = parameters(is);
  for (const [name, parameter] of parameters(was)) {
    const same = now.get(name);
    if (!same) found.push({ at: `${at} ${name}`, message: 'the parameter is gone' });
    else {
      if (same.required && !parameter.required)
        found.push({ at: `${at} ${name}`, message: 'the parameter is required now' });
      compare(parameter.schema, same.schema, 'input', `${at} ${name}`);
    }
  }
  for (const [name, parameter] of now) {
    if (parameter.required && !parameters(was).has(name))
      found.push({ at: `${at} ${name}`, message: 'a new parameter is required' });
  }

  const [body, bodyNow] = [was.requestBody, is.requestBody] as (
    | { required?: boolean; content: Section }
    | undefined
  )[];
  if (body && !bodyNow) found.push({ at: `${at} body`, message: 'no body is accepted any more' });
  if (bodyNow?.required && !body?.required)
    found.push({ at: `${at} body`, message: 'a body is required now' });
  for (const [mediaType, content] of Object.entries(body?.content ?? {})) {
    if (!bodyNow) break;
    const same = bodyNow.content[mediaType];
    if (!same) found.push({ at: `${at} body`, message: `${mediaType} is no longer accepted` });
    else compare(content.schema, same.schema, 'input', `${at} body`);
  }

  const answers = is.responses as Section;
  for (const [status, answer] of Object.entries(was.responses as Section)) {
    const same = answers[status];
    if (!same) {
      found.push({ at: `${at} ${status}`, message: 'the answer is gone' });
      continue;
    }
    for (const [mediaType, content] of Object.entries((answer.content ?? {}) as Section)) {
      const sameContent = ((same.content ?? {}) as Section)[mediaType];
      if (!sameContent) found.push({ at: `${at} ${status}`, message: `${mediaType} is no longer given` });
      else compare(content.schema, sameContent.schema, 'output', `${at} ${status}`);
    }
    for (const header of Object.keys((answer.headers ?? {}) as Section)) {
      if (!((same.headers ?? {}) as Section)[header])
        found.push({ at: `${at} ${status}`, message: `the header ${header} is gone` });
    }
  }
  return found;
}

/** What an AsyncAPI document took away or narrowed since an earlier one. */
export function asyncApiIncompatibilities(before: JsonSchema, after: JsonSchema): Incompatibility[] {
  const found: Incompatibility[] = [];
  const channels = (document: JsonSchema) =>
    Object.values(document.channels as Section).map((channel) => ({
      address: channel.address as string,
      messages: Object.entries(channel.messages as Section).map(([name, message]) => ({
        name,
        message: message.$ref ? resolve(message.$ref as string, document) : message,
      })),
    }));
  const received = new Set(
    Object.values(before.operations as Section)
      .filter((operation) => operation.action === 'receive')
      .map((operation) => resolve((operation.channel as JsonSchema).$ref as string, before).address),
  );
  const now = new Map(channels(after).map((channel) => [channel.address, channel]));
  for (const { address, messages } of channels(before)) {
    const same = now.get(address);
    if (!same) {
      found.push({ at: address, message: 'the channel is gone' });
      continue;
    }
    const side: Side = received.has(address) ? 'input' : 'output';
    for (const { name, message } of messages) {
      const other = same.messages.find((candidate) => candidate.name === name)?.message;
      const at = messages.length > 1 ? `${address} ${name}` : address;
      if (!other) {
        found.push({ at, message: 'the message is gone' });
        continue;
      }
      if (message.name !== other.name)
        found.push({ at, message: `the type was ${message.name} and is ${other.name}` });
      for (const part of ['payload', 'headers'] as const) {
        if (typeof message[part] !== 'object') continue;
        found.push(
          ...schemaIncompatibilities(
            { root: message[part] as JsonSchema, document: before },
            { root: (other[part] ?? {}) as JsonSchema, document: after },
            side,
            part === 'payload' ? at : `${at} headers`,
          ),
        );
      }
    }
  }
  return found;
}

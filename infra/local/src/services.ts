import path from 'node:path';
import { checkout } from './settings.js';

/** A service of the system: a program that says `{type: 'ready', adminPort}` over its IPC channel. */
export interface ServiceDefinition {
  name: string;
  /** Absolute path of its built entry point. */
  entry: string;
  /** Built module and name of the zod object of the variables it reads; without it, those that every service reads. */
  config?: { file: string; name: string };
  /** Services stop in rising order of this number: what takes work in first, what carries it out last. */
  stopOrder: number;
  /** Over the environment that all services get. */
  env?: Record<string, string>;
}

function app(name: string, stopOrder: number): ServiceDefinition {
  const dist = path.join(checkout, 'apps', name, 'dist');
  const config = { file: path.join(dist, 'config.js'), name: `${name}Config` };
  return { name, entry: path.join(dist, 'main.js'), config, stopOrder };
}

/** Every service of a local run. The relay is one: a stand-by takes over nothing that a restart would not. */
export const services: readonly ServiceDefinition[] = [
  app('ingest', 1),
  app('api', 1),
  app('evaluator', 2),
  app('incident', 2),
  app('paging', 2),
  app('relay', 3),
];

import { Guard } from '@bellwether/local';

let shared: Guard | null = null;

/** The guard of this process: stops every server and removes every folder of the tests when the process ends. */
export function guard(): Guard {
  shared ??= new Guard();
  return shared;
}

/** Stops and removes at once what this process started; for the end of a run. */
export async function closeGuard(): Promise<void> {
  await shared?.close();
  shared = null;
}

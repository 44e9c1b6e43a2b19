import type { Fault } from '@bellwether/contracts';
import { CliError, ExitCode } from './errors.js';

/** What is wrong with a manifest, and where. */
export interface ManifestFault {
  /** `file:line:column`. */
  where: string;
  /** The resource that it is about; absent of text that is none. */
  kind?: string;
  name?: string;
  /** Field of the resource, dots and indexes; empty for all of it. */
  path?: string;
  message: string;
}

/** `slo.yaml:5:12: slo checkout: objective: must be below 1` */
export function faultText({ where, kind, name, path, message }: ManifestFault): string {
  const about = kind === undefined ? [] : [`${kind} ${name ?? '(no name)'}`, path || '(root)'];
  return [where, ...about, message].join(': ');
}

/** Manifests that are not as they must be, or that the server would refuse. */
export class FaultyManifests extends CliError {
  constructor(
    message: string,
    exitCode: number,
    readonly faults: ManifestFault[],
  ) {
    super(message, exitCode, faults.map(faultText));
  }

  /** As a document for programs. */
  get document(): { error: string; faults: ManifestFault[] } {
    return { error: this.message, faults: this.faults };
  }
}

/** Manifests that cannot be read as such. */
export const notValid = (what: string, faults: ManifestFault[]) =>
  new FaultyManifests(`${what} not valid`, ExitCode.usage, faults);

/** Faults of a resource where they are in its manifest. */
export const faultsIn = (
  { kind, name, place }: { kind: string; name: string | undefined; place: (path: string) => string },
  faults: Fault[],
): ManifestFault[] =>
  faults.map(({ path, message }) => ({
    where: place(path),
    kind,
    ...(name !== undefined && { name }),
    path,
    message,
  }));

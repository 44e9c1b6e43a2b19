/** What a document of another tool is, and the command that reads it; undefined: nothing that is known. */
export function foreign(value: object): string | undefined {
  const { version, apiVersion } = value as { version?: unknown; apiVersion?: unknown };
  const [what, command] =
    version === 'prometheus/v1' || isOf(apiVersion, 'sloth.slok.dev')
      ? ['a Sloth specification', 'sloth']
      : isOf(apiVersion, 'openslo')
        ? ['OpenSLO', 'openslo']
        : [];
  return what === undefined
    ? undefined
    : `this is ${what} and no manifest: make one of it with bellwether import ${command}`;
}

const isOf = (apiVersion: unknown, group: string): boolean =>
  typeof apiVersion === 'string' && apiVersion.startsWith(`${group}/`);

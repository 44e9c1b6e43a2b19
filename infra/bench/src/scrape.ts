/** The numbers of a service's `/metrics` by name, of those that have no label but the service's. */
export async function scrape(adminPort: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-z_]+)\{service="[^"]*"\} (\S+)$/.exec(line);
    if (match) found.set(match[1] as string, Number(match[2]));
  }
  return found;
}

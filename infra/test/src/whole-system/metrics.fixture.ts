import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkout, type LocalSystem } from '@bellwether/local';

/** A family of metrics: its name and type, its labels, and the services that have it. */
export interface MetricFamily {
  name: string;
  type: string;
  services: string[];
}

/** What prom-client says of the process and of Node by itself. */
const ofTheProcess = /^(process|nodejs)_/;

/** The families in the table of docs/metrics.md, by name; `all` stands for all services. */
export function documentedMetrics(services: readonly string[]): MetricFamily[] {
  const text = readFileSync(path.join(checkout, 'docs/metrics.md'), 'utf8');
  const rows = [
    ...text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| [^|]* \| ([^|]+) \| [^|]+ \|$/gm),
  ];
  const families = rows.map(([, name = '', type = '', of = '']) => ({
    name,
    type,
    services: of === 'all' ? [...services] : of.split(', '),
  }));
  return sorted(families);
}

/** The families that running services register, by name. */
export async function registeredMetrics(local: Pick<LocalSystem, 'services'>): Promise<MetricFamily[]> {
  const families = new Map<string, MetricFamily>();
  for (const { name: service, adminPort } of local.services()) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    for (const [, name = '', type = ''] of (await answer.text()).matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
      if (ofTheProcess.test(name)) continue;
      const family = families.get(name) ?? { name, type, services: [] };
      family.services.push(service);
      families.set(name, family);
    }
  }
  return sorted([...families.values()]);
}

const sorted = (families: MetricFamily[]): MetricFamily[] =>
  families
    .map((family) => ({ ...family, services: [...family.services].sort() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

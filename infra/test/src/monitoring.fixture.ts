import { readFileSync } from 'node:fs';
import path from 'node:path';
import { checkout } from '@bellwether/local';

/** A file of the checkout. */
export const textOf = (file: string): string => readFileSync(path.join(checkout, file), 'utf8');

/** Every metric of docs/metrics.md, by name, with its labels. A test of the whole system compares that with what runs. */
export function documentedLabels(): Map<string, Set<string>> {
  const rows = textOf('docs/metrics.md').matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*) \|/gm);
  return new Map(
    [...rows].map(([, name = '', , labels = '']) => [
      name,
      new Set([...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label as string)),
    ]),
  );
}

/** Words of PromQL that are neither a metric nor a label. */
const WORDS =
  /^(sum|min|max|avg|count|by|without|on|and|or|unless|rate|increase|deriv|histogram_quantile|vector|offset|bool)$/;
/** Labels that every target has. */
const OF_ALL = new Set(['job', 'instance', 'service', 'le']);
/** Not from our registry: Prometheus' own, and prom-client's. */
const FOREIGN = /^(up|ALERTS|process_\w+|nodejs_\w+)$/;

/** What is wrong with an expression: metrics that are not there, labels that its metrics do not have. */
export function faultsOf(expression: string, known: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const labels = new Set<string>();
  const bare = expression
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on)\s*\(([^)]*)\)/g, (_, list: string) => {
      for (const label of list.split(',')) labels.add(label.trim());
      return '';
    })
    .replaceAll(/\{([^}]*)\}/g, (_, list: string) => {
      for (const [, label] of list.matchAll(/(\w+)\s*(?:=|!)/g)) labels.add(label as string);
      return '';
    });
  const metrics = [...bare.matchAll(/\b[A-Za-z_]\w*\b/g)]
    .map(([word]) => word)
    .filter((word) => !WORDS.test(word) && !/^\d/.test(word));
  const faults: string[] = [];
  const has = new Set(OF_ALL);
  for (const metric of metrics) {
    if (FOREIGN.test(metric)) continue;
    const found = known.get(metric) ?? known.get(metric.replace(/_(bucket|sum|count)$/, ''));
    if (found === undefined) faults.push(`there is no metric ${metric}`);
    for (const label of found ?? []) has.add(label);
  }
  if (metrics.length === 0) faults.push('it asks for no metric');
  for (const label of labels) if (!has.has(label)) faults.push(`${metrics.join(', ')}: no label ${label}`);
  return faults;
}

import type { PrometheusRules } from '@bellwether/contracts';
import { stringify } from 'yaml';

/** A rules file, as `promtool check rules` takes it, with what the rules cannot say as comments. */
export function rulesFile({ groups, notes }: PrometheusRules): string {
  const comments = notes.map((note) => `# ${note.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  // Rules of an SLO share their labels: written out, not as references, which people do not read.
  return `${comments.join('')}${stringify({ groups }, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
}

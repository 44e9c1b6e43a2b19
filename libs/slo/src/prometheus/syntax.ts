import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/**
 * The expression of a query, by Prometheus' own grammar; null when it is no PromQL. `{{.window}}` is read as a duration
 * of the same length, so that places in the tree are places in the query.
 */
export function parsePromql(query: string): SyntaxNode | null {
  const tree = parser.parse(
    query.replaceAll(/\{\{\s*\.window\s*\}\}/g, (template) => `${'1'.repeat(template.length - 1)}m`),
  );
  let isWhole = true;
  tree.iterate({
    enter: ({ type }) => {
      if (type.isError) isWhole = false;
      return isWhole;
    },
  });
  return isWhole ? tree.topNode.getChild('Expr') : null;
}

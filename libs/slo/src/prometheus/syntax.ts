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

/** What a query divides by what, with nothing said of how series match; null when it is no quotient. */
export function quotientOf(query: string): [dividend: string, divisor: string] | null {
  let node = parsePromql(query);
  while (node?.name === 'ParenExpr') node = node.getChild('Expr');
  if (node?.name !== 'BinaryExpr' || node.getChild('Div') === null) return null;
  if (node.getChild('MatchingModifierClause') ?? node.getChild('FillModifier')) return null;
  const [dividend, divisor] = node.getChildren('Expr').map(({ from, to }) => query.slice(from, to));
  return dividend === undefined || divisor === undefined ? null : [dividend, divisor];
}

import { WINDOW_TEMPLATE } from '@bellwether/contracts';
import type { SyntaxNode } from '@lezer/common';
import { operand } from './promql.js';
import { parsePromql } from './syntax.js';

/** A query of counters, as one that says how many events there were in a look-back. */
export type CounterIncrease =
  /** `increase` is around each counter. */
  | { around: 'counters'; query: string }
  /** The query has a look-back of its own: its answers are no counter, and stay as they are. */
  | { around: 'nothing'; query: string }
  /** `increase` is around the whole: a restart of one instance looks like one of all. `because` says why. */
  | { around: 'whole'; query: string; because: string };

/**
 * How much counters rose, from a query that answers with what they have come to: `sum(a)` is `sum(increase(a[…]))`. It
 * must be taken before counters are added up, or the sum falls when one instance restarts, and all that the others have
 * ever counted is counted once more. It can be where the query is linear in its counters.
 */
export function increaseOf(query: string): CounterIncrease {
  const root = parsePromql(query);
  // What cannot be read has a look-back of its own if it has a range.
  if (root === null) {
    return query.includes('[')
      ? { around: 'nothing', query }
      : { around: 'whole', query: ofWhole(query), because: 'the query cannot be read as PromQL' };
  }
  if (!hasCounter(root)) return { around: 'nothing', query };
  const counters = new Counters(query);
  const because = counters.find(root);
  return because === null
    ? { around: 'counters', query: counters.increased() }
    : { around: 'whole', query: ofWhole(query), because };
}

const ofWhole = (query: string): string => `increase(${operand(query)}[${WINDOW_TEMPLATE}:15s])`;

/** What makes of counters how much they changed: below it there is nothing left to take an increase of. */
const CHANGES: ReadonlySet<string> = new Set([
  'Rate',
  'Irate',
  'Increase',
  'Delta',
  'Idelta',
  'Deriv',
  'Changes',
  'Resets',
  'CountOverTime',
  'SumOverTime',
]);

/** Whether some counter of an expression is left as it is, so that the answers only rise. */
function hasCounter(node: SyntaxNode): boolean {
  if (node.name === 'VectorSelector') return true;
  return !CHANGES.has(functionOf(node) ?? '') && childrenOf(node).some(hasCounter);
}

/** Functions that change labels or order alone, or are linear: the increase of the result is the result of increases. */
const LINEAR: ReadonlySet<string> = new Set([
  'LabelReplace',
  'LabelJoin',
  'Sort',
  'SortDesc',
  'HistogramCount',
]);
/** `avg` is a sum by a number of series that stays the same. */
const SUMS: ReadonlySet<string> = new Set(['Sum', 'Avg']);

/** The counters of a query, found where an increase can be taken of them. */
class Counters {
  readonly #inserts: [at: number, text: string][] = [];

  constructor(readonly query: string) {}

  /** Finds them below an expression; a text says why increases cannot be taken there. */
  find(node: SyntaxNode): string | null {
    const [first, second] = node.getChildren('Expr') as [SyntaxNode?, SyntaxNode?];
    switch (node.name) {
      case 'VectorSelector':
        return this.#counter(node, node);
      case 'OffsetExpr':
        return first?.name === 'VectorSelector' ? this.#counter(first, node) : below('offset');
      case 'StepInvariantExpr':
        return 'a counter at a fixed time (@) does not rise';
      case 'ParenExpr':
      case 'UnaryExpr':
        return first === undefined ? below(node.name) : this.find(first);
      case 'BinaryExpr':
        return first === undefined || second === undefined
          ? below(node.name)
          : this.#binary(node, first, second);
      case 'AggregateExpr':
        return this.#aggregate(node);
      case 'FunctionCall':
        return this.#call(node);
      default:
        return `increase has another meaning in ${this.#text(node)}`;
    }
  }

  /** The query with an increase around each of what was found. */
  increased(): string {
    let result = '';
    let from = 0;
    for (const [at, text] of [...this.#inserts].sort(([a], [b]) => a - b)) {
      result += this.query.slice(from, at) + text;
      from = at;
    }
    return result + this.query.slice(from);
  }

  /** `a offset 5m` is `increase(a[…] offset 5m)`. */
  #counter(selector: SyntaxNode, whole: SyntaxNode): string | null {
    // Without their names the counters of several metrics are the same series, which Prometheus refuses.
    if (!hasName(selector, this.query)) return `${this.#text(selector)} may be of several metrics`;
    this.#inserts.push([whole.from, 'increase('], [selector.to, `[${WINDOW_TEMPLATE}]`], [whole.to, ')']);
    return null;
  }

  #binary(node: SyntaxNode, left: SyntaxNode, right: SyntaxNode): string | null {
    const operator = childrenOf(node).find((child) => child.from >= left.to && child.name !== 'LineComment');
    const name = operator?.name ?? '';
    if (/__name__/.test(this.query.slice(left.to, right.from))) return NAMES;
    if (name === 'Mul' && isNumber(left)) return this.find(right);
    if ((name === 'Mul' || name === 'Div') && isNumber(right)) return this.find(left);
    const isSum = name === 'Add' || name === 'Sub';
    const fills = node.getChild('FillModifier') !== null;
    if ((isSum || name === 'Or') && !fills && !isNumber(left) && !isNumber(right))
      return this.find(left) ?? this.find(right);
    return below(operator === undefined ? node.name : this.#text(operator));
  }

  #aggregate(node: SyntaxNode): string | null {
    const operator = node.getChild('AggregateOp')?.firstChild;
    const [over] = node.getChild('FunctionCallBody')?.getChildren('Expr') ?? [];
    const modifier = node.getChild('AggregateModifier');
    if (!operator || over === undefined || !SUMS.has(operator.name))
      return below(operator ? this.#text(operator) : node.name);
    return modifier !== null && /__name__/.test(this.#text(modifier)) ? NAMES : this.find(over);
  }

  #call(node: SyntaxNode): string | null {
    const name = functionOf(node) ?? '';
    const [first, ...rest] = node.getChild('FunctionCallBody')?.getChildren('Expr') ?? [];
    if (name === 'Increase') return null;
    if (name === 'Vector' && first !== undefined && isNumber(first) && Number(this.#text(first)) === 0)
      return null;
    if (LINEAR.has(name) && first !== undefined)
      return rest.some((argument) => /__name__/.test(this.#text(argument))) ? NAMES : this.find(first);
    return below(this.query.slice(node.from, node.getChild('FunctionCallBody')?.from).trim());
  }

  #text({ from, to }: SyntaxNode): string {
    return this.query.slice(from, to);
  }
}

const NAMES = 'increase takes away the names of metrics, which the query looks at';
const below = (what: string): string => `increase has another meaning below ${what}`;

const functionOf = (node: SyntaxNode): string | undefined =>
  node.getChild('FunctionIdentifier')?.firstChild?.name;

function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

/** A number, or one that is computed of numbers alone. */
const isNumber = (node: SyntaxNode): boolean =>
  node.name === 'NumberDurationLiteral' ||
  (['ParenExpr', 'UnaryExpr', 'BinaryExpr'].includes(node.name) && node.getChildren('Expr').every(isNumber));

/** Whether a selector is of the series of one metric. */
function hasName(selector: SyntaxNode, query: string): boolean {
  if (selector.getChild('Identifier') !== null) return true;
  const matchers = selector.getChild('LabelMatchers');
  return (
    matchers !== null &&
    (matchers.getChild('QuotedLabelName') !== null ||
      matchers
        .getChildren('UnquotedLabelMatcher')
        .some(({ from, to }) => /^__name__\s*=(?!~)/.test(query.slice(from, to))))
  );
}

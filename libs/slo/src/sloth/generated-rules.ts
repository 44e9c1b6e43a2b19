import { queryOver, WINDOW_TEMPLATE } from '@bellwether/contracts';
import type { Cursor } from '../interchange/cursor.js';

/** Series in which Sloth's rules record the error ratio of an SLO over each of its windows. */
const ERROR_RATIO = 'slo:sli_error:ratio_rate';

/**
 * The rules that `sloth generate` made of specifications, as a file or as Kubernetes resources. They show the queries of
 * an SLI that is a plugin: the plugin is code, and nothing but what it came to is known of it.
 */
export class GeneratedRules {
  /** By Sloth's name of the SLO, the expression of each window. */
  readonly #ratios = new Map<string, Map<string, string>>();

  /** Whether a document has rules of Sloth's; they are remembered. */
  read(document: Cursor): boolean {
    const groups = [...document.at('groups').items(), ...document.at('spec').at('groups').items()];
    let found = false;
    for (const rule of groups.flatMap((group) => group.at('rules').items())) {
      const id = rule.at('labels').at('sloth_id').text();
      const window = rule.at('labels').at('sloth_window').text();
      const expression = rule.at('expr').text();
      if (id !== undefined) found = true;
      if (id === undefined || window === undefined || expression === undefined) continue;
      if (rule.at('record').text() !== `${ERROR_RATIO}${window}`) continue;
      this.#ratios.set(id, (this.#ratios.get(id) ?? new Map()).set(window, expression.trim()));
    }
    return found;
  }

  /**
   * The error ratio of an SLO, with `{{.window}}` for the look-back; undefined when there are no rules of it, or when they
   * do not show what the look-back is: an expression must give that of every other window.
   * @param id Sloth's name of the SLO: `<service>-<slo>`
   */
  errorRatio(id: string): string | undefined {
    // The ratio of the whole period is made of those of the shortest window.
    const own = [...(this.#ratios.get(id) ?? [])].filter(([, expression]) => !expression.includes('slo:'));
    if (own.length < 2 || own.some(([window]) => !isDuration(window))) return undefined;
    return own
      .map(([window, expression]) => expression.replaceAll(token(window), WINDOW_TEMPLATE))
      .find((template) => own.every(([window, expression]) => queryOver(template, window) === expression));
  }
}

/** A duration where it stands alone: `5m` is not in `requests_5m` nor in `15m`. */
const token = (duration: string): RegExp => new RegExp(`(?<![\\w.:])${duration}(?!\\w)`, 'g');

const isDuration = (text: string): boolean => /^([0-9]+[smhdw])+$/.test(text);

import { type Document, isCollection, isScalar, type LineCounter, visit, type YAMLError } from 'yaml';

/** What is wrong with a text that is no YAML, and where in it. */
export interface YamlFault {
  offset: number;
  message: string;
}

/**
 * The first fault of a document, undefined where it has none: what the parser says after it has lost the thread leads
 * astray. It tells of a line where it could read no further, so that where that is clear the line at fault is named.
 * @param lines of the source, as they were counted when it was parsed
 */
export function yamlFault(
  document: Document.Parsed,
  source: string,
  lines: LineCounter,
): YamlFault | undefined {
  const [error, next] = document.errors;
  if (error === undefined) return undefined;
  const lineOf = (offset: number): number => lines.linePos(offset).line;
  const [start] = error.pos;
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') {
    // The field after it was taken for more of its value: the parser names the value.
    const end = next?.code === 'MULTILINE_IMPLICIT_KEY' ? next.pos[1] : start;
    if (lineOf(end) > lineOf(start))
      return {
        offset: textOf(lineOf(end), lines, source),
        message: `is indented as if it were more of the value in line ${lineOf(start)}`,
      };
    if (/^[^\n]*:\s/.test(source.slice(start)))
      return { offset: start, message: 'a value with a colon and a space in it must be in quotes' };
  }
  if (error.code === 'MULTILINE_IMPLICIT_KEY')
    return { offset: start, message: 'is no "field: value": the colon behind the name is missing' };
  const opened = openedBefore(document, error);
  const begins = opened === undefined ? '' : `; it begins in line ${lineOf(opened)}`;
  return { offset: start, message: `${messageOf(error)}${begins}` };
}

/** Where the quoted text or the braces begin that are not closed. */
function openedBefore(
  document: Document.Parsed,
  { code, message, pos: [at] }: YAMLError,
): number | undefined {
  const isOpen = code === 'MISSING_CHAR' || (code === 'BAD_INDENT' && message.startsWith('Flow'));
  if (!isOpen) return undefined;
  let found: number | undefined;
  visit(document, {
    Node: (_, node) => {
      const quoted = isScalar(node) && (node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE');
      const flow = isCollection(node) && node.flow === true;
      const [from, , to] = node.range ?? [];
      // The innermost one, which is visited last.
      if ((quoted || flow) && from !== undefined && from < at && (to ?? 0) >= at - 1) found = from;
    },
  });
  return found;
}

/** What the parser says, without the place and the text around it. */
const messageOf = ({ message }: Error): string =>
  (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');

/** Where the text of a line begins. */
function textOf(line: number, lines: LineCounter, source: string): number {
  const start = lines.lineStarts[line - 1] as number;
  return start + source.slice(start).search(/[^ \t]|$/);
}

/** One line of text without any markup: a note can neither break a table nor forge a heading, a link or HTML. */
export function markdownText(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>#|~!&]/g, '\\$&')
    .replace(/\s*[\r\n]+\s*/g, ' / ')
    .trim();
}

/** A table (GitHub flavour), in lines; cells are Markdown already. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

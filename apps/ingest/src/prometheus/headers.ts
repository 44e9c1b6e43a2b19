import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SourceFailure } from './source-failure.js';

const headersByOrigin = z.record(
  z.url({ protocol: /^https?$/ }).transform((url) => new URL(url).origin),
  z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/)),
);
type HeadersByOrigin = z.infer<typeof headersByOrigin>;

const NOT_HEADERS = 'is not {"<address>": {"<header>": "<value>"}} as JSON, nor the path of a file with that';

/** Headers for addresses, as JSON or as the path of a file with it. What is wrong with them is said without repeating them. */
export const headersSetting = z.string().transform((text, context) => {
  if (!text.trimStart().startsWith('{')) return { file: text };
  const parsed = parse(text);
  if (parsed !== null) return { headers: parsed };
  context.addIssue({ code: 'custom', message: NOT_HEADERS });
  return z.NEVER;
});
export type HeadersSetting = z.infer<typeof headersSetting>;

/**
 * What goes along to an address. A file is read for each request, so that a token which is renewed there holds at once.
 * @throws SourceFailure that names the variable and nothing of its content
 */
export function headersFrom(
  setting: HeadersSetting | undefined,
): (origin: string) => Promise<Record<string, string>> {
  return async (origin) => {
    if (setting === undefined) return {};
    const all = 'headers' in setting ? setting.headers : await readHeaders(setting.file);
    return all[origin] ?? {};
  };
}

async function readHeaders(file: string): Promise<HeadersByOrigin> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new SourceFailure(`BELLWETHER_PROMETHEUS_HEADERS names a file that cannot be read (${error.code})`);
  });
  const parsed = parse(text);
  if (parsed === null) throw new SourceFailure(`the file of BELLWETHER_PROMETHEUS_HEADERS ${NOT_HEADERS}`);
  return parsed;
}

function parse(text: string): HeadersByOrigin | null {
  try {
    return headersByOrigin.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

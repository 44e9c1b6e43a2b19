import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { asyncApiDocument, openApiDocument } from '@bellwether/contracts';
import { escapeHtml } from '../links/html.js';

/** Files of the documentation page, all served from here: nothing is asked of another host. */
const FILES: Record<string, string> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

const INITIALIZER = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml('Bellwether: API')}</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/initializer.js"></script>
</body>
</html>
`;

/** Swagger UI sets styles from its script and draws icons from data addresses; nothing else is let in. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface DocumentFile {
  mediaType: string;
  content: string | Buffer;
}

/** The machine-readable contract and its page for people. */
export class Documents {
  readonly openApi: string;
  readonly asyncApi: string;
  readonly #folder = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
  readonly #read = new Map<string, Promise<DocumentFile>>();

  /** @param options.natsUrl of this installation; of several, the first is named, and none of their passwords */
  constructor(options: { ingestUrl: string; natsUrl: string }) {
    this.openApi = JSON.stringify(openApiDocument({ ingestUrl: options.ingestUrl }));
    const [first = ''] = options.natsUrl.split(',');
    const { host } = new URL(first.includes('://') ? first : `nats://${first}`);
    this.asyncApi = JSON.stringify(asyncApiDocument({ natsHost: host }));
  }

  get page(): DocumentFile {
    return { mediaType: 'text/html; charset=utf-8', content: PAGE };
  }

  /** A file of the page; undefined for every name but the few there are. */
  async file(name: string): Promise<DocumentFile | undefined> {
    if (name === 'initializer.js')
      return { mediaType: 'text/javascript; charset=utf-8', content: INITIALIZER };
    const mediaType = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
    if (mediaType === undefined) return undefined;
    let found = this.#read.get(name);
    if (found === undefined) {
      found = readFile(path.join(this.#folder, name)).then((content) => ({ mediaType, content }));
      this.#read.set(name, found);
    }
    return found;
  }
}

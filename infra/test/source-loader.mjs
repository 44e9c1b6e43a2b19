// `node --import <this file>`: runs the workspace's TypeScript from source, with the same transformation that builds
// it. Jest's global setup and the processes that tests fork (to kill them) need no build this way.
import { existsSync, readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const sourceCondition = '@bellwether/source';
const typescript = /^file:.*[/](apps|libs|infra)[/][^/]+[/](src|examples)[/].*[.]ts$/;

module.registerHooks({
  resolve(specifier, context, next) {
    // Sources import './x.js' and mean './x.ts' until they are built.
    if (/^[.]{1,2}[/].*[.]js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
      const source = new URL(specifier.replace(/[.]js$/, '.ts'), context.parentURL);
      if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
    }
    const ours = specifier.startsWith('@bellwether/');
    return next(
      specifier,
      ours ? { ...context, conditions: [...context.conditions, sourceCondition] } : context,
    );
  },
  load(url, context, next) {
    if (!typescript.test(url)) return next(url, context);
    const filename = fileURLToPath(url);
    const { code } = transformSync(readFileSync(filename, 'utf8'), {
      filename,
      swcrc: false,
      sourceMaps: 'inline',
      module: { type: 'es6' },
      jsc: {
        target: 'es2024',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
      },
    });
    return { format: 'module', source: code, shortCircuit: true };
  },
});

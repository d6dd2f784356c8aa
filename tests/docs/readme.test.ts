import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** A block of code in a page: the words after ``` and what follows. */
function blocksOf(page: string): { readonly info: string; readonly code: string }[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return Array.from(text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm), ([, info = '', code = '']) => ({
    info,
    code,
  }));
}

/** Compiles code as if it stood in a file of this folder, under the options of the workspace. */
function errorsIn(code: string, platform: ts.CompilerOptions): string[] {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.base.json'), (path) =>
    readFileSync(path, 'utf8'),
  );
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  const file = join(import.meta.dirname, 'snippet.ts');
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, code, ts.ScriptTarget.ESNext) : getSourceFile(name, ...rest);
  const program = ts.createProgram(
    [file],
    { ...options, isolatedDeclarations: false, declaration: false, noUnusedLocals: false, ...platform },
    host,
  );
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      (diagnostic) =>
        `${diagnostic.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`,
    );
}

const PLATFORMS: Readonly<Record<string, ts.CompilerOptions>> = {
  browser: {
    lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
    types: [],
    customConditions: ['browser'],
  },
  node: { types: ['node'] },
};

describe('the code in README.md', () => {
  const blocks = blocksOf('README.md').filter(({ info }) => info.startsWith('ts'));

  it('is there for each of the three kinds of user', () => {
    expect(blocks.map(({ info }) => info)).toEqual(['ts browser', 'ts node', 'ts node']);
  });

  it.each(blocks)('compiles: $info', ({ info, code }) => {
    expect(errorsIn(code, PLATFORMS[info.slice('ts '.length)]!)).toEqual([]);
  });

  it.each(['docs/events.md', 'docs/platforms.md'])('compiles in %s too', (page) => {
    const [block] = blocksOf(page).filter(({ info }) => info === 'ts node');
    expect(errorsIn(block!.code, PLATFORMS['node']!)).toEqual([]);
  });

  it('would be refused if it were wrong', () => {
    const [{ code } = { code: '' }] = blocks;
    expect(errorsIn(code.replace('sentBytes /', 'fraction /'), PLATFORMS['browser']!)).not.toEqual([]);
  });
});

/**
 * What the compiler and lint say about sources that stand in no file. They are compiled in one program, as if they
 * lay in a folder of the project and under its settings; what they import is really there.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** For each source: the compiler's codes, then the names of lint rules, each once. */
export async function examine(folder: string, sources: readonly string[]): Promise<readonly (readonly string[])[]> {
  const files = new Map(sources.map((source, index) => [join(root, folder, `examined${String(index)}.ts`), source]));
  const program = compile(folder, files);
  const eslint = new ESLint({
    cwd: root,
    overrideConfig: { languageOptions: { parserOptions: { projectService: false, programs: [program] } } },
  });
  const complaints: string[][] = [];
  for (const [path, source] of files) {
    const diagnostics = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
    const codes = diagnostics.filter(({ file }) => file?.fileName === path).map(({ code }) => `TS${String(code)}`);
    const linted = await eslint.lintText(source, { filePath: path });
    const rules = linted.flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message));
    complaints.push([...new Set([...codes, ...rules])]);
  }
  return complaints;
}

function compile(folder: string, files: ReadonlyMap<string, string>): ts.Program {
  const path = join(root, folder, 'tsconfig.json');
  const config = ts.readConfigFile(path, (file) => ts.sys.readFile(file)).config as unknown;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, join(root, folder));
  const settings = { ...options, noEmit: true, composite: false, incremental: false };
  const host = ts.createCompilerHost(settings, true);
  host.readFile = (file) => files.get(file) ?? ts.sys.readFile(file);
  host.fileExists = (file) => files.has(file) || ts.sys.fileExists(file);
  return ts.createProgram([...files.keys()], settings, host);
}

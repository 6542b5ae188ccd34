import tseslint from 'typescript-eslint';
import { moduleState } from './lint/moduleState.js';

const pure = 'core/ is a pure state machine: time, randomness and IO come in as inputs and leave as effects.';

/** Whatever a host offers that the compiler's library list does not already keep out. */
const hostGlobals = [
  'Date',
  'Promise',
  'Intl',
  'performance',
  'crypto',
  'fetch',
  'console',
  'process',
  'Buffer',
  'global',
  'globalThis',
  'window',
  'self',
  'require',
  'module',
  'exports',
  '__dirname',
  '__filename',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'queueMicrotask',
  'structuredClone',
  'navigator',
  'WebAssembly',
  'Worker',
  'MessageChannel',
  'WeakRef',
  'FinalizationRegistry',
  'SharedArrayBuffer',
  'Atomics',
  'eval',
  'Function',
  'Reflect',
  'Proxy',
  'TextEncoder',
  'TextDecoder',
];

/** Results of these may differ between versions of the engine, and so between nodes of a cluster. */
const unstableMath = [
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'atan2',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'exp',
  'expm1',
  'log',
  'log1p',
  'log2',
  'log10',
  'pow',
  'cbrt',
  'hypot',
];

/** What they answer depends on the locale, or on the version of Unicode. */
const localeMethods = [
  'toLocaleString',
  'toLocaleUpperCase',
  'toLocaleLowerCase',
  'localeCompare',
  'toLocaleDateString',
  'toLocaleTimeString',
  'normalize',
];

const topLevel = ':matches(Program, ExportNamedDeclaration) > VariableDeclaration';

const coreSyntax = [
  [':function[async=true]', 'No async functions in core/.'],
  ['AwaitExpression', 'No await in core/.'],
  ['ForOfStatement[await=true]', 'No for-await in core/.'],
  ['ImportExpression', 'No dynamic import in core/.'],
  ['MetaProperty', 'No import.meta or new.target in core/.'],
  [
    'TSTypeReference[typeName.name=/^(Promise|PromiseLike|Awaited|Date)$/]',
    'No promises or dates in core/, not even as types.',
  ],
  ['TSImportType', 'No import() types in core/.'],
  [
    'Identifier[name="Math"]:not(MemberExpression[computed=false] > Identifier.object)',
    'Math only as Math.name: anything else hides Math.random.',
  ],
  [
    'BinaryExpression[operator="**"]:not([left.type="Literal"][left.bigint])',
    'Not the same everywhere for fractions: multiply, or use bigint.',
  ],
  ['AssignmentExpression[operator="**="]', 'Not the same everywhere for fractions: multiply.'],
  ['MemberExpression[property.name="constructor"]', 'No .constructor: it leads to Function.'],
  ['MemberExpression[property.value="constructor"]', 'No .constructor: it leads to Function.'],
  ['ObjectPattern > Property[key.name="constructor"]', 'No .constructor: it leads to Function.'],
  ['MemberExpression[property.name="stack"]', 'A stack names files and versions: it differs between machines.'],
  ['ForInStatement', 'for-in follows the prototype chain: use Object.keys or a Map.'],
  ['VariableDeclaration[declare=true]', 'No ambient declarations in core/: they would smuggle in what a host offers.'],
  ['TSDeclareFunction[declare=true]', 'No ambient declarations in core/.'],
  ['TSModuleDeclaration', 'No namespaces or global declarations in core/.'],
  ['ClassDeclaration[declare=true]', 'No ambient declarations in core/.'],
  [`${topLevel}[kind!="const"]`, 'No mutable state of a module in core/.'],
  [
    `${topLevel} > VariableDeclarator[init.type="NewExpression"]:not([id.typeAnnotation.typeAnnotation.typeName.name=/^(Readonly|Uint8Array)/])`,
    'An object of a module is typed Readonly…: no mutable state of a module in core/.',
  ],
  [
    `${topLevel} > VariableDeclarator > Literal[regex.flags=/[gy]/]`,
    'A regular expression with g or y remembers where it was: no mutable state of a module in core/.',
  ],
  ['PropertyDefinition[static=true][readonly!=true]', 'No mutable static fields in core/.'],
].map(([selector, message]) => ({ selector, message }));

const simulated = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'crypto',
  'fetch',
];

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'data/**', 'coverage/**'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/promise-function-async': 'error',
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: false }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/triple-slash-reference': ['error', { lib: 'never', path: 'never', types: 'never' }],
      // A method may change what a property was narrowed to: this rule does not see that in a state machine.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/prefer-for-of': 'off',
      '@typescript-eslint/prefer-optional-chain': 'off',
    },
  },
  {
    files: ['core/**/*.ts'],
    linterOptions: { noInlineConfig: true },
    plugins: { core: { rules: { 'module-state': moduleState } } },
    rules: {
      'core/module-state': 'error',
      'no-restricted-globals': ['error', ...hostGlobals.map((name) => ({ name, message: pure }))],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: pure },
        ...unstableMath.map((property) => ({
          object: 'Math',
          property,
          message: 'Not the same to the last bit in every version of the engine.',
        })),
        ...localeMethods.map((property) => ({ property, message: 'Differs between machines.' })),
      ],
      'no-restricted-syntax': ['error', ...coreSyntax],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^[^.]', message: 'core/ depends on nothing: neither node:* nor packages.' },
            { regex: '^\\.\\.?/(.*/)?(runtime|sim|test)/', message: 'core/ must not import runtime/, sim/ or test/.' },
          ],
        },
      ],
    },
  },
  {
    files: ['runtime/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^\\.\\.?/(.*/)?(sim|test)/', message: 'runtime/ must not import sim/ or test/.' }] },
      ],
    },
  },
  {
    files: ['sim/**/*.ts'],
    ignores: ['sim/cli/**', 'sim/bugs/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...simulated.map((name) => ({ name, message: 'sim/ has a clock, timers and a network of its own.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Draw from a seeded stream.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: '^\\.\\.?/(.*/)?(runtime|test)/', message: 'sim/ must not import runtime/ or test/.' },
            {
              regex:
                '^(node:)?(net|dgram|tls|http|https|http2|timers|timers/promises|worker_threads|cluster|child_process|fs)$',
              message: 'sim/ simulates these.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
    },
  },
);

/**
 * Which folder may import which. The layers of the core are rows; imports point strictly downwards.
 * Types of a message or a record may be imported from above, because a type is not there at run time.
 */
const rows = [
  ['base'],
  ['resp', 'wire', 'log'],
  ['engine', 'raft', 'metadata'],
  ['group'],
  ['routing'],
  ['forward'],
  ['node'],
];

const notTypes = { dependencyTypesNot: ['type-only'] };

/** A row may not reach its own neighbours or anything above; the two codecs share the coding of entries. */
const layers = rows.flatMap((row, level) => {
  const above = rows.slice(level + 1).flat();
  return row.flatMap((layer) => {
    const beside = row.filter((other) => other !== layer && !(layer === 'log' && other === 'wire'));
    const forbidden = [...beside, ...above];
    if (forbidden.length === 0) return [];
    return [
      {
        name: `core-${layer}-imports-only-downwards`,
        severity: 'error',
        from: { path: `^core/${layer}/` },
        to: { path: `^core/(${forbidden.join('|')})/`, ...notTypes },
      },
    ];
  });
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'core-imports-only-core', severity: 'error', from: { path: '^core/' }, to: { pathNot: '^core/' } },
    { name: 'runtime-not-sim-or-test', severity: 'error', from: { path: '^runtime/' }, to: { path: '^(sim|test)/' } },
    { name: 'sim-not-runtime-or-test', severity: 'error', from: { path: '^sim/' }, to: { path: '^(runtime|test)/' } },
    {
      name: 'sim-world-has-no-real-io',
      severity: 'error',
      from: { path: '^sim/', pathNot: '^sim/cli/' },
      to: { path: '^(node:)?(net|dgram|tls|https?|http2|timers|worker_threads|cluster|child_process|fs)(/|$)' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependency-in-the-product',
      severity: 'error',
      from: { path: '^(core|runtime)/' },
      to: { dependencyTypes: ['npm-dev'], ...notTypes },
    },
    ...layers,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'runtime/tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};

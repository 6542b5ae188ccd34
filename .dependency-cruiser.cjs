/**
 * Which folder may import which. The layers of the core are rows; imports point strictly downwards, and a row does
 * not import sideways. What is let through against that is listed below, file by file, with its reason.
 */
const rows = [
  ['base'],
  ['resp', 'wire', 'log'],
  ['engine', 'raft', 'metadata'],
  ['group'],
  ['placement', 'routing'],
  ['forward'],
  ['migration'],
  ['node'],
];

/** A type is not there at run time: the codecs speak Raft's entries, and whoever watches a node names what it saw. */
const contracts = ['^core/raft/types\\.ts$', '^core/node/probe\\.ts$'];

/** A record of the log holds an entry as the wire does: it is coded in one place. */
const sharedCoding = { from: 'log', to: '^core/wire/entry\\.ts$' };

const layers = rows.flatMap((row, level) =>
  row.flatMap((layer) => {
    const forbidden = rows
      .slice(level)
      .flat()
      .filter((other) => other !== layer);
    if (forbidden.length === 0) return [];
    const from = { path: `^core/${layer}/` };
    const path = `^core/(${forbidden.join('|')})/`;
    const shared = layer === sharedCoding.from ? [sharedCoding.to] : [];
    return [
      {
        name: `${layer}-imports-downwards`,
        severity: 'error',
        from,
        to: { path, pathNot: shared, dependencyTypesNot: ['type-only'] },
      },
      {
        name: `${layer}-imports-types-downwards`,
        severity: 'error',
        from,
        to: { path, pathNot: [...shared, ...contracts], dependencyTypes: ['type-only'] },
      },
    ];
  }),
);

const known = `^core/(${rows.flat().join('|')})/`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'core-imports-only-core', severity: 'error', from: { path: '^core/' }, to: { pathNot: '^core/' } },
    { name: 'core-folder-has-a-row', severity: 'error', from: { path: '^core/[^/]+/', pathNot: known }, to: {} },
    { name: 'core-door-is-for-others', severity: 'error', from: { path: '^core/' }, to: { path: '^core/index\\.ts$' } },
    { name: 'runtime-not-sim-or-test', severity: 'error', from: { path: '^runtime/' }, to: { path: '^(sim|test)/' } },
    { name: 'sim-not-runtime-or-test', severity: 'error', from: { path: '^sim/' }, to: { path: '^(runtime|test)/' } },
    {
      name: 'sim-has-no-real-io',
      severity: 'error',
      from: { path: '^sim/', pathNot: '^sim/(cli|bugs)/' },
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
      name: 'product-needs-no-dev-dependency',
      severity: 'error',
      from: { path: '^(core|runtime)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
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

/** Who may import whom (ARCHITECTURE.md). Each room lists what it must not reach; what is not listed it may. */
const rooms = '^(api|controller|reconcilers|infra|ui|test)/';

/** Forbids everything of ours but what `allowed` matches, from the files that `path` matches. */
function only(name, comment, path, allowed, pathNot = undefined) {
  return { name, comment, severity: 'error', from: { path, pathNot }, to: { path: rooms, pathNot: allowed } };
}

/** Forbids a package outside the files that `allowed` matches. */
function fenced(name, comment, packages, allowed) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: rooms, pathNot: [...allowed, '^test/'] },
    to: { path: packages, dependencyTypesNot: ['type-only'] },
  };
}

const pureReconcilers =
  '^reconcilers/(aws/names|[a-z]+/(model|plan|summarize|ides|way-up|facts|blueprint|stuck|settings))\\.ts$';

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-test', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    only('resources-know-nobody', 'the nouns are importable by everyone', '^api/resources/', ['^api/resources/']),
    only('store-knows-nouns', 'SQL in, nouns out', '^api/store/', ['^api/(resources|store)/']),
    only('http-is-thin', 'no route shapes AWS', '^api/http/', ['^api/']),
    only(
      'controller-knows-no-kind',
      'main.ts alone names kinds',
      '^controller/',
      ['^api/(resources|store)/', '^controller/'],
      '^controller/main\\.ts$',
    ),
    only('composition-root', 'main.ts puts the controller together', '^controller/main\\.ts$', [
      '^api/(resources|store)/',
      '^controller/',
      '^reconcilers/',
    ]),
    only('plans-are-pure', 'a plan reads nothing but its arguments', pureReconcilers, [
      '^api/resources/',
      '^controller/reconciler\\.ts$',
      pureReconcilers,
    ]),
    only('reconcilers-shape-aws', 'and know neither storage nor loop', '^reconcilers/', [
      '^api/resources/',
      '^controller/reconciler\\.ts$',
      '^reconcilers/',
    ]),
    only('local-aws-knows-no-product', 'it must stay honest', '^infra/local/aws/', ['^infra/local/aws/']),
    only('gate-holds-nothing', "it runs in the student's task", '^infra/gate/', ['^api/resources/', '^infra/gate/']),
    only(
      'local-ground',
      'one machine: supervisor and ground',
      '^infra/local/',
      ['^infra/local/', '^api/resources/', '^api/store/migrate\\.ts$'],
      '^infra/local/aws/',
    ),
    only('operate-from-outside', 'what an operator does to a whole deployment', '^infra/operate/', [
      '^infra/operate/',
      '^infra/local/(data-folder|options|postgres|process-start)\\.ts$',
      '^api/(resources/|store/migrate\\.ts$)',
      '^reconcilers/aws/(clients|names)\\.ts$',
    ]),
    only('browser', 'the browser knows nouns and HTTP', '^ui/', ['^api/resources/', '^ui/']),
    fenced(
      'aws-in-reconcilers',
      'reconcilers shape AWS; the API asks Cognito one question',
      'node_modules/@aws-sdk/client-',
      [
        '^reconcilers/',
        '^api/http/identity\\.ts$',
        '^infra/local/aws/',
        '^infra/local/(ground|listeners)\\.ts$',
        '^infra/operate/',
      ],
    ),
    fenced('pg-in-store', 'the only SQL is in api/store', 'node_modules/pg/', [
      '^api/store/',
      '^infra/local/postgres\\.ts$',
      '^infra/operate/database\\.ts$',
    ]),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
    exclude: { path: 'infra/local/ide/stubs' },
  },
};

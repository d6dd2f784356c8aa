// The arrows of ARCHITECTURE.md as rules. Each layer lists what it may import of its own package; the rest is refused.
// tests/check/arrows.test.ts breaks every rule once.

const SDK = '^packages/sdk/src/';
const COORDINATOR = '^packages/coordinator/src/';
const TESTS = '\\.(test|test-d|contract)\\.tsx?$|^packages/[^/]+/test/';

const sdk = {
  entries: `${SDK}[^/]+\\.tsx?$`,
  errors: `${SDK}lib/upload-error\\.ts$`,
  ports: `${SDK}lib/ports/`,
  helpers: `${SDK}lib/((schedule|integrity)/)?[^/]+\\.ts$`,
  sources: `${SDK}lib/sources/`,
  senders: `${SDK}lib/senders/`,
  stages: `${SDK}lib/stages/`,
  uploader: `${SDK}lib/uploader/`,
  http: `${SDK}lib/http/`,
  tabs: `${SDK}lib/tabs/`,
  platform: `${SDK}lib/platform/`,
  many: `${SDK}lib/many/`,
  cli: `${SDK}lib/cli/`,
};

const coordinator = {
  entries: `${COORDINATOR}[^/]+\\.ts$`,
  main: `${COORDINATOR}main\\.ts$`,
  errors: `${COORDINATOR}lib/(coordinator-error|redact)\\.ts$`,
  secret: `${COORDINATOR}lib/secret\\.ts$`,
  root: `${COORDINATOR}lib/[^/]+\\.ts$`,
  ports: `${COORDINATOR}lib/ports/`,
  uploads: `${COORDINATOR}lib/uploads/`,
  events: `${COORDINATOR}lib/events/`,
  http: `${COORDINATOR}lib/http/`,
  adapters: `${COORDINATOR}lib/adapters/`,
  adaptersShared: `${COORDINATOR}lib/adapters/[^/]+\\.ts$`,
  process: `${COORDINATOR}lib/process/`,
  wire: `${COORDINATOR}lib/process/wire[-a-z]*\\.ts$`,
  testing: `${COORDINATOR}(testing\\.ts$|lib/testing/)`,
};

/** A layer may import the parts of its own package that are allowed, and no others. */
function layer({ name, comment, from, allowed }) {
  const ownPackage = from.startsWith(SDK) ? SDK : COORDINATOR;
  return {
    name,
    comment,
    severity: 'error',
    from: { path: from, pathNot: TESTS },
    to: { path: ownPackage, pathNot: allowed },
  };
}

/** A module that only one folder may name, and the wiring that makes its client. */
function driver({ name, comment, module, folder }) {
  return {
    name,
    comment,
    severity: 'error',
    from: {
      path: '^packages/[^/]+/src/',
      pathNot: [TESTS, `${COORDINATOR}lib/adapters/${folder}/`, coordinator.wire, coordinator.testing],
    },
    to: { path: module },
  };
}

const npmPackage = (name) => `(^|/)node_modules/${name}/|^${name}($|/)`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      comment: 'Files that import each other, type imports included, cannot be read one after the other.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere escapes every other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      comment: 'What a package imports stands in its own package.json, not only in one further up.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'installed-with-it',
      comment: 'Whoever installs a package gets no devDependencies; only the bundled protocol may be one.',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: TESTS },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['npm-peer'],
        pathNot: '^packages/protocol/src/',
      },
    },
    {
      name: 'package-door',
      comment:
        'A package is entered by a file of its src, never deeper. The simulation loads beforehand what comes on demand.',
      severity: 'error',
      from: {
        path: '^(packages/[^/]+|examples/[^/]+|tests)/',
        pathNot: '^tests/simulation/actors/loaded-on-demand\\.ts$',
      },
      to: { path: '^packages/([^/]+)/(src/.+/|test/)', pathNot: '^$1/' },
    },
    {
      name: 'tools-door',
      comment:
        'Demo and bench may use parts of our own programs too: the server process and the command line.',
      severity: 'error',
      from: { path: '^(tools|bench)/' },
      to: {
        path: '^packages/[^/]+/(src/.+/|test/)',
        pathNot: '^packages/(coordinator/src/lib/process|sdk/src/lib/cli)/',
      },
    },
    {
      name: 'package-arrows',
      comment: 'SDK, coordinator and local-s3 meet over HTTP; only the protocol is shared.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/src/', pathNot: TESTS },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '^packages/protocol/src/(index|schemas)\\.ts$'] },
    },
    {
      name: 'protocol-alone',
      comment: 'The protocol imports nothing; its schemas know valibot.',
      severity: 'error',
      from: { path: '^packages/protocol/src/', pathNot: [TESTS, '/(object-)?schemas\\.ts$'] },
      to: { pathNot: ['^packages/protocol/src/'] },
    },
    {
      name: 'protocol-without-schemas',
      comment: 'The main entry of the protocol must not bring valibot into a browser.',
      severity: 'error',
      from: { path: '^packages/(protocol|sdk)/src/', pathNot: [TESTS, '/schemas\\.ts$'] },
      to: { path: '^packages/protocol/src/(object-)?schemas\\.ts$' },
    },
    {
      name: 'protocol-schemas',
      comment: 'Beside the protocol itself the schemas import valibot only.',
      severity: 'error',
      from: { path: '^packages/protocol/src/(object-)?schemas\\.ts$' },
      to: { pathNot: ['^packages/protocol/src/', npmPackage('valibot')] },
    },

    layer({
      name: 'sdk-ports',
      comment: 'Ports are leaves.',
      from: sdk.ports,
      allowed: [sdk.ports, sdk.errors],
    }),
    layer({
      name: 'sdk-helpers',
      comment: 'Helpers know nobody above them.',
      from: sdk.helpers,
      allowed: [sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-sources',
      comment: 'Sources know helpers and ports.',
      from: sdk.sources,
      allowed: [sdk.sources, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-senders',
      comment: 'A sender that several platforms share knows the sources that it sends.',
      from: sdk.senders,
      allowed: [sdk.senders, sdk.sources, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-stages',
      comment: 'A stage knows no other stage; the order is the uploader’s.',
      from: sdk.stages,
      allowed: [sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-uploader',
      comment: 'The uploader knows stages, sources, helpers, ports; HTTP is named where it is put together.',
      from: `${SDK}lib/uploader/(?!(create-uploader(-on)?|options)\\.ts$)`,
      allowed: [sdk.uploader, sdk.stages, sdk.sources, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-create-uploader',
      comment: 'What puts the uploader together knows no platform: that is given to it.',
      from: `${SDK}lib/uploader/(create-uploader(-on)?|options)\\.ts$`,
      allowed: [sdk.uploader, sdk.http, sdk.stages, sdk.sources, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-many',
      comment: 'Many uploads are begun as a user would: the uploader knows nothing of them.',
      from: sdk.many,
      allowed: [sdk.many, sdk.uploader, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-tabs',
      comment:
        'What shares an upload among tabs knows its control; the uploader is given it, and does not know it.',
      from: sdk.tabs,
      allowed: [sdk.tabs, sdk.uploader, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-http',
      comment: 'The client of the coordinator knows helpers and ports.',
      from: sdk.http,
      allowed: [sdk.http, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-platform',
      comment: 'A platform adds to the sources, senders, helpers and ports; it knows no other platform.',
      from: `${SDK}lib/platform/([^/]+)/`,
      allowed: [`${SDK}lib/platform/$1/`, sdk.sources, sdk.senders, sdk.helpers, sdk.ports],
    }),
    layer({
      name: 'sdk-cli',
      comment: 'The command line uses the Node entries as their users do.',
      from: sdk.cli,
      allowed: [sdk.cli, `${SDK}(many-)?node\\.ts$`, sdk.helpers, sdk.ports, `${SDK}lib/platform/node/`],
    }),
    {
      name: 'sdk-neutral',
      comment: 'What runs everywhere imports neither Node nor a platform.',
      severity: 'error',
      from: {
        path: [`${SDK}(core|(many-)?browser|web)\\.ts$`, `${SDK}lib/`],
        pathNot: [TESTS, `${SDK}lib/platform/node/`, sdk.cli],
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'sdk-core-without-platform',
      comment: 'Who brings their own ports gets no platform.',
      severity: 'error',
      from: { path: `${SDK}core\\.ts$` },
      to: { path: sdk.platform, reachable: true },
    },
    {
      name: 'sdk-browser-without-node',
      comment: 'The entries for browsers and for any other runtime reach nothing of Node’s.',
      severity: 'error',
      from: { path: `${SDK}((many-)?browser|web)\\.ts$` },
      to: { path: `${SDK}lib/(platform/node|cli)/`, reachable: true },
    },
    {
      name: 'sdk-dependencies',
      comment: 'Every package here weighs on the browser bundle.',
      severity: 'error',
      from: { path: SDK, pathNot: TESTS },
      to: { path: 'node_modules/', pathNot: 'node_modules/(ky|p-limit)/' },
    },

    layer({
      name: 'coordinator-ports',
      comment: 'Ports are leaves; they know what a secret is.',
      from: coordinator.ports,
      allowed: [coordinator.ports, coordinator.secret],
    }),
    layer({
      name: 'coordinator-uploads',
      comment: 'Use-cases know ports, no HTTP and no adapter.',
      from: coordinator.uploads,
      allowed: [coordinator.uploads, coordinator.ports, coordinator.errors, coordinator.secret],
    }),
    layer({
      name: 'coordinator-events',
      comment: 'The relay knows the outbox and the sinks by their ports, and no upload.',
      from: coordinator.events,
      allowed: [coordinator.events, coordinator.ports],
    }),
    layer({
      name: 'coordinator-http',
      comment: 'HTTP knows use-cases and ports.',
      from: coordinator.http,
      allowed: [
        coordinator.http,
        coordinator.uploads,
        coordinator.ports,
        coordinator.errors,
        coordinator.secret,
      ],
    }),
    layer({
      name: 'coordinator-root',
      comment: 'What makes the app knows HTTP, use-cases and the relay; ports are given to it.',
      from: coordinator.root,
      allowed: [
        coordinator.root,
        coordinator.http,
        coordinator.uploads,
        coordinator.events,
        coordinator.ports,
      ],
    }),
    layer({
      name: 'coordinator-adapters',
      comment: 'An adapter knows ports and the files that all adapters share, no other adapter.',
      from: `${COORDINATOR}lib/adapters/([^/]+)/`,
      allowed: [
        `${COORDINATOR}lib/adapters/$1/`,
        coordinator.adaptersShared,
        coordinator.ports,
        coordinator.errors,
        coordinator.secret,
      ],
    }),
    layer({
      name: 'coordinator-adapters-shared',
      comment: 'What adapters share knows no adapter.',
      from: coordinator.adaptersShared,
      allowed: [coordinator.adaptersShared, coordinator.ports, coordinator.errors, coordinator.secret],
    }),
    layer({
      name: 'coordinator-process',
      comment: 'Of the process, only the wiring (`wire…`) names adapters.',
      from: `${COORDINATOR}lib/process/(?!wire[-a-z]*\\.ts$)`,
      allowed: [coordinator.process, coordinator.root, coordinator.http, coordinator.ports],
    }),
    layer({
      name: 'coordinator-wire',
      comment: 'The wiring puts adapters behind ports.',
      from: coordinator.wire,
      allowed: [coordinator.process, coordinator.root, coordinator.adapters, coordinator.ports],
    }),
    layer({
      name: 'coordinator-main',
      comment: 'The command reads its configuration and starts the process.',
      from: coordinator.main,
      allowed: [coordinator.process],
    }),
    layer({
      name: 'coordinator-testing',
      comment: 'Contract suites and fakes stay out of the product.',
      from: `${COORDINATOR}(?!testing\\.ts$|lib/testing/)`,
      allowed: [`${COORDINATOR}(?!testing\\.ts$|lib/testing/)`],
    }),
    driver({
      name: 'driver-redis',
      comment: 'ioredis stays behind its port.',
      module: npmPackage('ioredis'),
      folder: 'redis',
    }),
    driver({
      name: 'driver-postgres',
      comment: 'postgres stays behind its port.',
      module: npmPackage('postgres'),
      folder: 'postgres',
    }),
    driver({
      name: 'driver-sqlite',
      comment: 'node:sqlite stays behind its port.',
      module: '^(node:)?sqlite$',
      folder: 'sqlite',
    }),
    driver({
      name: 'driver-kafka',
      comment: 'kafkajs stays behind its port.',
      module: npmPackage('kafkajs'),
      folder: 'kafka',
    }),
    driver({
      name: 'driver-jwt',
      comment: 'jose stays behind its port.',
      module: npmPackage('jose'),
      folder: 'jwt',
    }),
    driver({
      name: 'driver-prometheus',
      comment: 'prom-client stays behind its port.',
      module: npmPackage('prom-client'),
      folder: 'prometheus',
    }),
    driver({
      name: 'driver-s3',
      comment: 'The AWS SDK stays behind its port.',
      module: npmPackage('@(aws-sdk/(client-s3|s3-request-presigner)|smithy)'),
      folder: 'object-store',
    }),
    driver({
      name: 'driver-aws-keys',
      comment: 'AWS KMS and Secrets Manager stay behind their port.',
      module: npmPackage('@aws-sdk/client-(kms|secrets-manager)'),
      folder: 'aws',
    }),
  ],
  options: {
    tsPreCompilationDeps: true,
    moduleSystems: ['es6', 'cjs'],
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};

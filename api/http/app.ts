import { randomUUID } from 'node:crypto';
import fastifyCookie from '@fastify/cookie';
import fastifyFormbody from '@fastify/formbody';
import fastifyHelmet from '@fastify/helmet';
import { fastifySSE } from '@fastify/sse';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastifyUnderPressure from '@fastify/under-pressure';
import fastify from 'fastify';
import { registerRights } from './auth.ts';
import { registerCohorts } from './cohorts.ts';
import { registerCompression } from './compress.ts';
import { registerCourses } from './courses.ts';
import type { App, Dependencies } from './dependencies.ts';
import { registerEnrolments } from './enrolments.ts';
import { answer, registerErrors } from './errors.ts';
import { registerEvents } from './events.ts';
import { registerHealth } from './health.ts';
import { registerHeartbeats } from './heartbeats.ts';
import { registerHomes } from './homes.ts';
import { registerInvitations } from './invitations.ts';
import { registerMetrics } from './metrics.ts';
import { registerNotice } from './notice.ts';
import { registerOpen } from './open.ts';
import { registerOpenapi } from './openapi.ts';
import { registerCrossSite, registerHosts } from './origin.ts';
import { registerPrincipal } from './principal.ts';
import { registerRequestTrace } from './request-trace.ts';
import { registerRoster } from './roster.ts';
import { registerScreens } from './screens.ts';
import { registerSignIn } from './sign-in.ts';
import { registerStaff } from './staff.ts';
import { registerStudents } from './students.ts';
import { registerTokens } from './tokens.ts';
import { validatorCompiler } from './validation.ts';
import { registerWatch } from './watch.ts';
import { registerWorkspaces } from './workspaces.ts';

/** JSON of one object is small; the roster has a limit of its own. */
const bodyBytes = 64 * 1024;
/** Long enough for every slug that could be one of ours, so that a longer one is an ordinary 404. */
const pathPartBytes = 300;
const connectionMilliseconds = 60_000;
/** Node is far behind: new requests would only wait. */
const overload = { maxEventLoopDelay: 2_000, maxHeapUsedBytes: 0, retryAfter: 2 };

/** Builds the API, ready to listen or be injected into. Throws when a route has no row in the table of rights. */
export async function buildApp(dependencies: Dependencies): Promise<App> {
  const { settings, pool, keys, now } = dependencies;
  const app = fastify({
    logger: dependencies.logger ?? false,
    // The addresses that the proxies of the deployment appended are true ones, others are anybody's word.
    trustProxy: (_address, hop) => hop < settings.proxies,
    genReqId: () => randomUUID(),
    bodyLimit: bodyBytes,
    routerOptions: { maxParamLength: pathPartBytes },
    requestTimeout: connectionMilliseconds,
    forceCloseConnections: true,
    frameworkErrors: (error, request, reply) => void answer(error, request, reply),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  // Answers are made from typed objects; a second schema pass would only cost.
  app.setSerializerCompiler(() => JSON.stringify);

  registerRequestTrace(app);
  if (dependencies.registry) registerMetrics(app, { pool, registry: dependencies.registry });
  registerErrors(app);
  registerHosts(app, settings);
  await app.register(fastifyHelmet, securityHeaders(settings.portalUrl));
  await app.register(fastifyUnderPressure, overload);
  await app.register(fastifyCookie);
  await app.register(fastifyFormbody, { bodyLimit: bodyBytes });
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  registerNotice(app, settings);
  registerCompression(app);
  registerCrossSite(app, settings.portalUrl);
  registerPrincipal(app, { pool, keys, operatorToken: settings.operatorToken, now });
  registerRights(app);
  await registerOpenapi(app);

  // After the plugins, so that the documentation sees every route.
  await app.register(async () => {
    registerHealth(app, dependencies);
    registerSignIn(app, dependencies);
    registerScreens(app, dependencies);
    registerOpen(app, dependencies);
    registerCohorts(app, dependencies);
    registerCourses(app, dependencies);
    registerEnrolments(app, dependencies);
    registerStaff(app, dependencies);
    registerHomes(app, dependencies);
    registerInvitations(app, dependencies);
    registerStudents(app, dependencies);
    registerRoster(app, dependencies);
    registerWorkspaces(app, dependencies);
    registerEvents(app, dependencies);
    registerTokens(app, dependencies);
    registerHeartbeats(app, dependencies);
    registerWatch(app, dependencies);
  });
  return app;
}

function securityHeaders(portalUrl: string) {
  const isTls = portalUrl.startsWith('https:');
  return {
    strictTransportSecurity: isTls,
    referrerPolicy: { policy: 'same-origin' as const },
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
  };
}

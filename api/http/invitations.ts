import { Type } from 'typebox';
import { askInvitation, createJoinLinks } from '../store/invitations.ts';
import { mailsLeft } from '../store/mails.ts';
import { chargesOfCourse, findPerson } from '../store/people.ts';
import type { App, Dependencies } from './dependencies.ts';
import { slugOf } from './principal.ts';
import { notFound, Refused } from './problem.ts';
import { chargeOf, visibleCourse } from './visible.ts';

const params = Type.Object({ student: Type.String() });
const ofCourse = Type.Object({ course: Type.String() });
const joined = 'This person has joined already, or is kept out. Who forgot a password asks for a code when signing in.';

/** Ways in for who is not in yet: the invitation by mail again, and links to hand over, each good once and for 7 days. */
export function registerInvitations(app: App, { pool, settings, now }: Dependencies): void {
  const urlOf = (secret: string) => `${settings.portalUrl}/join#${secret}`;

  app.post('/v1/students/:student/invitation', { schema: { params } }, async (request, reply) => {
    // It goes to the person's own address: of one whom two classes list, either may ask for it.
    const person = await findPerson(pool, request.params.student, request.scope);
    if (!person) throw notFound('student', request.params.student);
    if (!(await askInvitation(pool, person.id, slugOf(request.principal)))) throw new Refused(409, joined);
    return reply.code(202).send({});
  });

  app.post('/v1/students/:student/join-link', { schema: { params } }, async (request, reply) => {
    const person = await chargeOf(pool, request.scope, request.params.student);
    const [link] = await createJoinLinks(pool, [person.id], now(), slugOf(request.principal));
    if (!link) throw new Refused(409, joined);
    const { name, email } = person.spec;
    reply.code(201).header('cache-control', 'no-store');
    return { student: person.slug, name, email, url: urlOf(link.secret), expiresAt: link.expiresAt };
  });

  // For all of a course who have not joined; others, and those whom another's class shares, are left out.
  app.post('/v1/courses/:course/join-links', { schema: { params: ofCourse } }, async (request, reply) => {
    const course = await visibleCourse(pool, request.scope, request.params.course);
    const people = await chargesOfCourse(pool, course.id, request.scope);
    const links = await createJoinLinks(
      pool,
      people.map(({ id }) => id),
      now(),
      slugOf(request.principal),
    );
    const known = new Map(people.map(person => [person.id, person]));
    const items = links.flatMap(({ personId, secret, expiresAt }) => {
      const person = known.get(personId);
      if (!person) return [];
      const { name, email } = person.spec;
      return [{ student: person.slug, name, email, url: urlOf(secret), expiresAt }];
    });
    return reply.header('cache-control', 'no-store').send({ items });
  });

  app.get('/v1/mails', async () => {
    const left = await mailsLeft(pool, settings.mailsPerDay, now());
    return { left, perDay: settings.mailsPerDay };
  });
}

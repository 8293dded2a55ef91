/** The rights on which it depends what a page of a class offers, as rows of the table in api/http/auth.ts. */
export const pageRights = [
  'GET /classes/:course/settings',
  'PUT /v1/courses/:course',
  'POST /v1/cohorts/:cohort/roster',
  'DELETE /v1/cohorts/:cohort/students/:student',
  'POST /v1/students/:student/invitation',
  'POST /v1/students/:student/join-link',
] as const;
export type PageRight = (typeof pageRights)[number];

/** What a shell page hands to its script: a JSON block that the browser reads once. Built by api/http, read by ui. */
export interface Boot {
  /** Who is signed in. */
  readonly person: {
    readonly id: string;
    readonly slug: string;
    readonly name: string;
    readonly email: string;
    /** As the table of rights has it: `staff` helps in somebody's class. */
    readonly role: 'student' | 'staff' | 'instructor';
  };
  /** What the person may do of what a page can offer. */
  readonly may: readonly PageRight[];
  /** True when this deployment keeps its mails in an outbox that the person may open. */
  readonly outbox?: boolean;
  /** True when students on this machine are not walled off from each other: every page says so. */
  readonly unwalled?: boolean;
  /** Instructors: true when all workspaces share one origin, so that students' pages are not kept from each other. */
  readonly sharedOrigin?: boolean;
  /** Class page: slug of the course in the address; null or missing: the first one. */
  readonly course?: string | null;
  /** Class page: show the class's settings instead of its table. */
  readonly settings?: boolean;
  /** Class page: show what happened in the class instead. */
  readonly history?: boolean;
  /** Wake page: slug of the workspace. */
  readonly workspace?: string;
  /** Wake page: path and query in the workspace to open, beginning with `/`. */
  readonly to?: string;
  /** Seconds from asking to ready, as a rule (a median); missing: not known yet. */
  readonly usualSeconds?: number | null;
}

/** What every page says where that is so. */
export const unwalledNotice = 'Not started as root: no walls between students on this machine. For trying out only.';

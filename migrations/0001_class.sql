-- A class: people, cohorts, courses, and the workspaces they imply. Triggers own generation, version and
-- notification, so that no writer can forget them.

-- One counter for the whole database. Who writes holds the clock's row until it commits, so versions come out in commit
-- order, which a watch relies on. `clock.version` is the highest that a reader's snapshot holds.
create table clock (id boolean primary key default true check (id), version bigint not null default 0);
insert into clock default values;
create sequence versions;

create function next_version() returns bigint language sql volatile as
  $$ select nextval('versions') $$;

-- Before a statement looks at any row: wait for the clock. Taken after a row's lock instead, two writers of several rows
-- would each hold what the other needs. A transaction that must see what earlier writers did starts with the same lock.
create function await_turn() returns trigger language plpgsql as $$
begin
  perform 1 from clock for update;
  return null;
end $$;

-- After each statement, not each row: a thousand versions of one row in one transaction would be read a thousand times.
create function advance_clock() returns trigger language plpgsql as $$
declare
  latest bigint := (select last_value from versions where is_called);
begin
  update clock set version = latest where version < latest;
  return null;
end $$;

-- Before each write: the next version; one more generation when what was asked changed, or the object is to go.
create function stamp() returns trigger language plpgsql as $$
begin
  new.version := next_version();
  if tg_op = 'INSERT' then
    new.generation := 1;
  elsif new.spec is distinct from old.spec or new.deleted_at is distinct from old.deleted_at then
    new.generation := old.generation + 1;
  else
    new.generation := old.generation;
  end if;
  return new;
end $$;

-- After each write: `changed` for whoever watches, `asked` for the controller, on new generations alone (were its own
-- status writes announced there, it would wake itself for ever). Argument: the kind.
create function announce() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    perform pg_notify('changed', json_build_object('kind', tg_argv[0], 'id', old.id, 'version', next_version(), 'gone', true)::text);
    return old;
  end if;
  perform pg_notify('changed', json_build_object('kind', tg_argv[0], 'id', new.id, 'version', new.version)::text);
  if tg_op = 'INSERT' or new.generation <> old.generation then
    perform pg_notify('asked', json_build_object('kind', tg_argv[0], 'id', new.id)::text);
  end if;
  return new;
end $$;

create table people (
  id text primary key,
  slug text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$'),
  role text not null check (role in ('student', 'instructor')),
  email text not null check (email = lower(email)),
  spec jsonb not null,
  status jsonb not null,
  generation integer not null default 0,
  version bigint not null default 0,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index people_slug on people (slug) where deleted_at is null;
create unique index people_email on people (email) where deleted_at is null;

create table cohorts (
  id text primary key,
  slug text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,16}[a-z0-9])?$'),
  spec jsonb not null,
  generation integer not null default 0,
  version bigint not null default 0,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index cohorts_slug on cohorts (slug) where deleted_at is null;

create table courses (
  id text primary key,
  slug text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,16}[a-z0-9])?$'),
  spec jsonb not null,
  generation integer not null default 0,
  version bigint not null default 0,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index courses_slug on courses (slug) where deleted_at is null;

create table members (
  cohort_id text not null references cohorts,
  person_id text not null references people,
  primary key (cohort_id, person_id)
);
create index members_person on members (person_id);

create table enrolments (
  course_id text not null references courses,
  cohort_id text not null references cohorts,
  primary key (course_id, cohort_id)
);

create table staff (
  course_id text not null references courses,
  person_id text not null references people,
  primary key (course_id, person_id)
);

-- A home outlives its workspaces: who comes back finds the files. The uid is never given out twice.
create sequence home_uid minvalue 20000;
create table homes (
  id text primary key,
  course_id text not null references courses,
  cohort_id text not null references cohorts,
  person_id text not null references people,
  uid integer not null unique default nextval('home_uid'),
  marked boolean not null default false,
  -- Null while a workspace has it; the day on which it may be purged otherwise.
  kept_until timestamptz,
  created_at timestamptz not null default now(),
  unique (course_id, cohort_id, person_id)
);

create table workspaces (
  id text primary key,
  slug text not null check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  course_id text not null references courses,
  cohort_id text not null references cohorts,
  person_id text not null references people,
  home_id text not null references homes,
  spec jsonb not null,
  status jsonb not null,
  generation integer not null default 0,
  version bigint not null default 0,
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);
create unique index workspaces_slug on workspaces (slug) where deleted_at is null;
create unique index workspaces_home on workspaces (home_id);
create index workspaces_person on workspaces (person_id);
create index workspaces_course on workspaces (course_id, cohort_id);

-- A workspace that was deleted by hand while its enrolment still implies it does not come back by itself.
create table tombstones (
  course_id text not null references courses,
  cohort_id text not null references cohorts,
  person_id text not null references people,
  primary key (course_id, cohort_id, person_id)
);

-- What gates report. Kept apart from workspaces: a heartbeat is neither a wish nor a status.
create table reports (
  workspace_id text primary key references workspaces on delete cascade,
  at timestamptz not null default now(),
  ready boolean not null,
  problem text,
  active_at timestamptz
);

-- A heartbeat that says something new is a reason to look: at once for the loop and the screen.
create function announce_report() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' or new.ready is distinct from old.ready or new.problem is distinct from old.problem then
    perform pg_notify('asked', json_build_object('kind', 'workspace', 'id', new.workspace_id)::text);
  end if;
  return new;
end $$;
create trigger announce after insert or update on reports for each row execute function announce_report();

-- Places at the balancers. `balancer`: index into ARMADA_BALANCERS.
create table route_slots (
  balancer integer not null,
  priority integer not null check (priority between 1 and 50000),
  workspace_id text not null unique references workspaces on delete cascade,
  primary key (balancer, priority)
);
-- Where a workspace was last: it goes back there while there is room, so that its address stays.
create table last_balancers (
  workspace_id text primary key references workspaces on delete cascade,
  balancer integer not null
);

create table events (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  kind text not null,
  about text not null,
  tone text not null check (tone in ('normal', 'warning')),
  reason text not null,
  message text not null,
  by text
);
create index events_about on events (about, id desc);

-- Who is signed in. `id` is the sha256 of the cookie's value; `sid` is the name that gates know a session by.
create table sessions (
  id text primary key,
  sid text not null unique,
  person_id text not null references people,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_person on sessions (person_id);

create table tokens (
  id text primary key,
  person_id text references people,
  name text not null,
  -- sha256 of the token.
  hash text not null unique,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);

do $$
declare
  pair text[];
begin
  foreach pair slice 1 in array array[['people', 'student'], ['cohorts', 'cohort'], ['courses', 'course'], ['workspaces', 'workspace']]
  loop
    execute format('create trigger await_turn before insert or update or delete on %I for each statement execute function await_turn()', pair[1]);
    execute format('create trigger stamp before insert or update on %I for each row execute function stamp()', pair[1]);
    execute format('create trigger announce after insert or update or delete on %I for each row execute function announce(%L)', pair[1], pair[2]);
    execute format('create trigger advance_clock after insert or update or delete on %I for each statement execute function advance_clock()', pair[1]);
  end loop;
end $$;

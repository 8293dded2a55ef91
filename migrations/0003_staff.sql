-- Courses belong to their staff. Until now every instructor saw every course: they are staff of those that there are.
insert into staff (course_id, person_id)
  select c.id, p.id from courses c, people p
  where c.deleted_at is null and p.deleted_at is null and p.role = 'instructor'
  on conflict do nothing;

-- Who made a cohort has it until a course takes it; from then on it is of that course's staff.
alter table cohorts add owner_id text references people on delete set null;
update cohorts k set owner_id =
  (select id from people where role = 'instructor' and deleted_at is null order by created_at, id limit 1)
  where not exists (select from enrolments e where e.cohort_id = k.id);
create index enrolments_cohort on enrolments (cohort_id);
create index staff_person on staff (person_id);

-- A new role is a new wish: the account changes its group.
create function stamp_role() returns trigger language plpgsql as $$
begin
  if new.role is distinct from old.role and new.generation = old.generation then
    new.generation := old.generation + 1;
  end if;
  return new;
end $$;
create trigger stamp_role before update on people for each row execute function stamp_role();

-- Tries to sign in, counted for all API processes alike. Worth nothing after a crash: no write waits for the disk.
create unlogged table tries (
  key text primary key,
  count integer not null,
  ends_at timestamptz not null
);
create index tries_ends on tries (ends_at);

-- The mails that the user pool was asked for: Cognito's own sender takes 50 a day. `round` 0 is a code for a new
-- password, 1 an invitation, each above it one sent again.
create table mails (
  id bigint generated always as identity primary key,
  person_id text references people on delete set null,
  round integer not null,
  asked_at timestamptz not null,
  -- When the account had last changed before the mail was asked for: a later change says that it went.
  seen_at timestamptz not null,
  sent_at timestamptz
);
create index mails_person on mails (person_id, id desc);
create index mails_asked on mails (asked_at);

-- A home that is to be deleted for good: asked by a person, done by the controller; the row goes when it is done. What
-- is asked and told of it stands on the row as on any other object. `spec`: {"by": slug or null, "attempt": n}.
alter table homes add spec jsonb not null default '{}';
alter table homes add status jsonb not null default '{"observedGeneration": 0, "conditions": [], "purged": false, "failure": null}';
alter table homes add generation integer not null default 1;
alter table homes add version bigint not null default 1;
-- When a person asked for its deletion; null: it is kept.
alter table homes add deleted_at timestamptz;

-- Who comes back while the old files are being deleted gets a new home.
alter table homes drop constraint homes_course_id_cohort_id_person_id_key;
create unique index homes_one on homes (course_id, cohort_id, person_id) where deleted_at is null;
create index homes_course on homes (course_id);
create index homes_going on homes (created_at, id) where deleted_at is not null;

-- Versions of its own, and nobody who watches: marking a home, as gates do, must not take its turn at the clock.
create function stamp_home() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  if new.spec is distinct from old.spec or new.deleted_at is distinct from old.deleted_at then
    new.generation := old.generation + 1;
  end if;
  return new;
end $$;
create trigger stamp before update of spec, status, deleted_at on homes
  for each row execute function stamp_home();

create function announce_home() returns trigger language plpgsql as $$
begin
  perform pg_notify('asked', json_build_object('kind', 'home', 'id', new.id)::text);
  return null;
end $$;
create trigger announce after update of spec, deleted_at on homes
  for each row when (new.generation <> old.generation) execute function announce_home();

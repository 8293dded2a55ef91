-- Who waits for something scarce, in order of asking: a place at a balancer (`route`), or what AWS has a quota of.
create table waits (
  workspace_id text not null references workspaces on delete cascade,
  what text not null,
  -- The order; kept through restarts of the controller.
  place bigint generated always as identity,
  primary key (workspace_id, what)
);
create index waits_order on waits (what, place);

-- Whoever is not to run any more, or can't go on without a person, holds nobody up. A target group is wanted ahead of a
-- start.
create function waiting(wanted text) returns table (workspace_id text, place bigint) language sql stable as $$
  select q.workspace_id, q.place from waits q join workspaces w on w.id = q.workspace_id
  where q.what = wanted and w.deleted_at is null
    and (wanted = 'target groups' or w.spec @> '{"running": true}')
    and not (w.status @> '{"conditions": [{"type": "Stalled", "status": "True"}]}')
  order by q.place
$$;

-- Tells the first few in line that something is free. Too many are told rather than too few: a look is all that follows.
create function wake_waiting(wanted text, free bigint) returns void language sql as $$
  select pg_notify('asked', json_build_object('kind', 'workspace', 'id', workspace_id)::text)
  from (select workspace_id from waiting(wanted) order by place limit free) first
$$;

create function place_freed() returns trigger language plpgsql as $$
begin
  perform wake_waiting('route', (select count(*) from gone));
  return null;
end $$;
create trigger wake after delete on route_slots referencing old table as gone
  for each statement execute function place_freed();

-- One was served or gave up: it is the next one's turn.
create function wait_ended() returns trigger language plpgsql as $$
begin
  perform wake_waiting(what, count(*)) from gone group by what;
  return null;
end $$;
create trigger wake after delete on waits referencing old table as gone
  for each statement execute function wait_ended();

-- Until when a person asked that a workspace is not stopped for idleness; null: nobody did.
alter table workspaces add keep_until timestamptz;

-- A way in for who has no mail: once, for days. `id` is the sha256 of the link's secret, which is stored nowhere.
create table join_links (
  id text primary key,
  person_id text not null references people on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index join_links_person on join_links (person_id);

-- What carries our tags in AWS and no row owns, since when it has been seen so: it is waited with before anything goes.
create table strays (
  id text primary key,
  kind text not null,
  -- Id of the object that it says it belongs to.
  owner text not null,
  first_seen timestamptz not null
);

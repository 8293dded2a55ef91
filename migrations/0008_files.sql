-- What a workspace's gate counted of its files last: bytes, when one was last changed, and when it looked.
alter table reports add home_bytes bigint;
alter table reports add changed_at timestamptz;
alter table reports add counted_at timestamptz;

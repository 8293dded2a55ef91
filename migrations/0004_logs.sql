-- The last lines that a workspace's IDE wrote, as its gate saw them: they outlive the task. Null: none were ever sent.
alter table reports add log text;
alter table reports add log_at timestamptz;

"""The database functions behind the rules; plain text, created again by every installation.

SQLSTATE 23001 (restrict_violation) means "this can no longer change", 23514 (check_violation)
"this step is not allowed". Messages name the table and are safe to show.
"""

TENANT_FUNCTIONS = """
CREATE OR REPLACE FUNCTION app_tenant() RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.tenant_id', true), '')::bigint $$;

CREATE OR REPLACE FUNCTION app_channels() RETURNS bigint[]
LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT string_to_array(nullif(current_setting('app.channels', true), ''), ',')::bigint[] $$;
"""

TRIGGER_FUNCTIONS = """
CREATE OR REPLACE FUNCTION pox_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% refused: rows of % are kept as they are', tg_op, tg_table_name
    USING ERRCODE = '23001', CONSTRAINT = 'pox_refuse_change', TABLE = tg_table_name;
END $$;

CREATE OR REPLACE FUNCTION pox_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed text;
BEGIN
  SELECT string_agg(n.key, ', ' ORDER BY n.key) INTO changed
    FROM jsonb_each(to_jsonb(new)) n JOIN jsonb_each(to_jsonb(old)) o USING (key)
   WHERE n.value IS DISTINCT FROM o.value AND n.key <> ALL (coalesce(tg_argv[0:], '{}'));
  IF changed IS NOT NULL THEN
    RAISE EXCEPTION 'this row of % can no longer change (%)', tg_table_name, changed
      USING ERRCODE = '23001', CONSTRAINT = 'pox_immutable', TABLE = tg_table_name;
  END IF;
  RETURN new;
END $$;

CREATE OR REPLACE FUNCTION pox_frozen_child() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE keys text[]; one text; frozen boolean;
BEGIN
  IF tg_op <> 'INSERT' THEN keys := keys || (to_jsonb(old) ->> tg_argv[1]); END IF;
  IF tg_op <> 'DELETE' THEN keys := keys || (to_jsonb(new) ->> tg_argv[1]); END IF;
  FOREACH one IN ARRAY keys LOOP
    CONTINUE WHEN one IS NULL;
    EXECUTE format('SELECT (%s) FROM %I p WHERE p.id = $1::bigint FOR SHARE', tg_argv[2],
                   tg_argv[0]) INTO frozen USING one;
    IF frozen THEN
      RAISE EXCEPTION '% refused: the % of this row of % is closed', tg_op, tg_argv[0],
        tg_table_name USING ERRCODE = '23001', CONSTRAINT = 'pox_frozen_child',
        TABLE = tg_table_name;
    END IF;
  END LOOP;
  RETURN coalesce(new, old);
END $$;

CREATE OR REPLACE FUNCTION pox_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was text; will text := to_jsonb(new) ->> tg_argv[0];
  moves jsonb := tg_argv[1]::jsonb; initial jsonb := tg_argv[2]::jsonb;
BEGIN
  IF tg_op = 'INSERT' THEN
    IF initial ? will THEN RETURN new; END IF;
    RAISE EXCEPTION '% of % cannot begin as %', tg_argv[0], tg_table_name, will
      USING ERRCODE = '23514', CONSTRAINT = 'pox_state', TABLE = tg_table_name;
  END IF;
  was := to_jsonb(old) ->> tg_argv[0];
  IF was IS DISTINCT FROM will AND NOT coalesce(moves -> was ? will, false) THEN
    RAISE EXCEPTION '% of % cannot go from % to %', tg_argv[0], tg_table_name, was, will
      USING ERRCODE = '23514', CONSTRAINT = 'pox_state', TABLE = tg_table_name;
  END IF;
  RETURN new;
END $$;
"""

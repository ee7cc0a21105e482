"""What the database itself promises about settlement: triggers, policies, grants.

Collected by the installer after every migration. A run is written in state DRAFT together with its
parts or lines and becomes CALCULATED in the same transaction; that step proves that energy closes
per interval and that the total is the sum of the lines.
"""

from poweroptix.db.rules import (
    AppendOnly,
    Immutable,
    Policy,
    PortalGrant,
    Rule,
    Sql,
    StateMachine,
)

ALLOCATION_RUN, ALLOCATION_PART = "settlement_allocationrun", "settlement_allocationpart"
DESK_CHECK, DISPUTE = "settlement_deskcheck", "settlement_dispute"
STATEMENT = "settlement_counterpartystatement"
RUN, LINE, CORRECTION = "settlement_settlementrun", "settlement_line", "settlement_correction"

WHAT_IF = "settlement_whatif"
ITEM, MONTH, SHARE = (
    "settlement_poolitem",
    "settlement_poolmonth",
    "settlement_poolshare",
)

#: The operator's part and the shares are the amount, unless something is not known yet; a pool
#: without members is not divided.
POOL_CLOSES = """
CREATE OR REPLACE FUNCTION pox_settlement_pool_closes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE shared numeric; members bigint;
BEGIN
  SELECT sum(amount_usd), count(*) INTO shared, members
    FROM settlement_poolshare WHERE month_id = NEW.id;
  IF NEW.operator_usd IS NOT NULL AND members > 0
     AND (EXISTS (SELECT 1 FROM settlement_poolshare
                   WHERE month_id = NEW.id AND amount_usd IS NULL)
          OR NEW.amount_usd IS DISTINCT FROM NEW.operator_usd + shared) THEN
    RAISE EXCEPTION 'pool month %: amount % is not the operator''s % and the shares of %',
      NEW.id, NEW.amount_usd, NEW.operator_usd, shared
      USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_pool_closes';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_pool_closes
  BEFORE UPDATE OF state ON settlement_poolmonth
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state = 'CALCULATED')
  EXECUTE FUNCTION pox_settlement_pool_closes();
"""
#: Energy of intervals hardly shrinks: compressing it took ten times the time of writing it.
PART_STORAGE = 'ALTER TABLE settlement_allocationpart ALTER COLUMN "values" SET STORAGE EXTERNAL'

OWNER_MONTH, OWNER_LINE = "settlement_ownermonth", "settlement_ownerline"

OWNERS_CLOSE = """
CREATE OR REPLACE FUNCTION pox_settlement_owners_close() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE summed numeric;
BEGIN
  SELECT coalesce(sum(amount_usd), 0) INTO summed
    FROM settlement_ownerline WHERE month_id = NEW.id;
  IF NEW.net_usd <> summed THEN
    RAISE EXCEPTION 'owners month %: net % is not the sum of its lines %',
      NEW.id, NEW.net_usd, summed
      USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_owners_close';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_owners_close
  BEFORE UPDATE OF state ON settlement_ownermonth
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state = 'CALCULATED')
  EXECUTE FUNCTION pox_settlement_owners_close();
"""

ALLOCATION_CLOSES = """
CREATE OR REPLACE FUNCTION pox_settlement_allocation_closes() RETURNS trigger
LANGUAGE plpgsql SET jit = off SET work_mem = '64MB'
-- Freshly written parts have no statistics: left alone, millions of rows are sorted on disk.
SET enable_sort = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
  bad record;
  wrong bigint;
  missing constant bigint := -9223372036854775808;
  sources constant text[] := array(SELECT DISTINCT pool_code FROM settlement_allocationpart
                                    WHERE run_id = NEW.id AND kind = 'SOURCE');
  -- Contracts with one part of each kind on one grid.
  plain constant bigint[] := array(
    SELECT contract_id FROM settlement_allocationpart
     WHERE run_id = NEW.id AND kind <> 'SOURCE' AND contract_id IS NOT NULL
     GROUP BY contract_id
    HAVING min(minutes) = max(minutes) AND count(DISTINCT kind) = count(*));
BEGIN
  -- A pool: all parts less the whole, in every interval of the whole. Arrays are taken apart in
  -- the list of columns, here and below: as a table each would be written out before it is read.
  SELECT pool_code, slot INTO bad
    FROM (SELECT p.pool_code, p.kind, unnest(p.values) AS v,
                 (generate_subscripts(p.values, 1) - 1) * p.minutes / w.minutes AS slot
            FROM settlement_allocationpart p
            JOIN settlement_allocationpart w
              ON w.run_id = p.run_id AND w.pool_code = p.pool_code AND w.kind = 'WHOLE'
           WHERE p.run_id = NEW.id AND p.kind IN ('WHOLE', 'SHARED', 'LOSS', 'OPERATOR')
             AND p.pool_code <> ALL (sources)) AS u
   WHERE v <> missing
   GROUP BY 1, 2
  HAVING sum(CASE kind WHEN 'WHOLE' THEN -v ELSE v END) <> 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: pool % does not close in interval %',
      NEW.id, bad.pool_code, bad.slot
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_closes';
  END IF;
  -- A plain contract: the arrays side by side.
  SELECT contract_id INTO wrong
    FROM (SELECT t.contract_id, unnest(t.values) AS total, unnest(m.values) AS own,
                 unnest(s.values) AS shared, unnest(l.values) AS loss
            FROM settlement_allocationpart t
            LEFT JOIN settlement_allocationpart m
              ON m.run_id = t.run_id AND m.contract_id = t.contract_id AND m.kind = 'METERED'
            LEFT JOIN settlement_allocationpart s
              ON s.run_id = t.run_id AND s.contract_id = t.contract_id AND s.kind = 'SHARED'
            LEFT JOIN settlement_allocationpart l
              ON l.run_id = t.run_id AND l.contract_id = t.contract_id AND l.kind = 'LOSS'
           WHERE t.run_id = NEW.id AND t.kind = 'TOTAL' AND t.contract_id = ANY (plain)) AS u
   WHERE CASE WHEN total = missing THEN FALSE
              WHEN missing IN (own, shared, loss) THEN TRUE
              ELSE total IS DISTINCT FROM
                   coalesce(own, 0) + coalesce(shared, 0) + coalesce(loss, 0) END
   LIMIT 1;
  -- Any other contract (several pools, or parts on finer grids), and the interval of a wrong one:
  -- its parts summed up to the total's. A total without one of its parts is as wrong.
  SELECT contract_id, slot INTO bad
    FROM (SELECT p.contract_id, p.kind, unnest(p.values) AS v,
                 (generate_subscripts(p.values, 1) - 1) * p.minutes / t.minutes AS slot
            FROM settlement_allocationpart p
            JOIN settlement_allocationpart t
              ON t.run_id = p.run_id AND t.contract_id = p.contract_id AND t.kind = 'TOTAL'
           WHERE p.run_id = NEW.id AND p.kind <> 'SOURCE'
             AND CASE WHEN wrong IS NULL
                      THEN p.contract_id <> ALL (plain)
                      ELSE p.contract_id = wrong END) AS u
   GROUP BY 1, 2
  HAVING NOT bool_or(kind = 'TOTAL' AND v = missing)
     AND (bool_or(v = missing)
          OR sum(CASE kind WHEN 'TOTAL' THEN -greatest(v, missing + 1) ELSE v END) <> 0)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: contract % is not the sum of its parts in interval %',
      NEW.id, bad.contract_id, bad.slot
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_parts_add_up';
  END IF;
  -- Sources over the month: ten of them for a thousand contracts are too many numbers to unnest.
  -- Each interval is proved before they are written, and again by doctor.
  SELECT pool_code INTO bad FROM settlement_allocationpart
   WHERE run_id = NEW.id AND pool_code = ANY (sources)
   GROUP BY 1
  HAVING bool_and(total_kwh IS NOT NULL)
     AND sum(CASE kind WHEN 'WHOLE' THEN -total_kwh ELSE total_kwh END) <> 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: source % does not close', NEW.id, bad.pool_code
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_sources_close';
  END IF;
  SELECT contract_id INTO bad FROM settlement_allocationpart
   WHERE run_id = NEW.id AND kind IN ('SOURCE', 'TOTAL')
   GROUP BY 1
  HAVING bool_or(kind = 'SOURCE') AND bool_and(total_kwh IS NOT NULL)
     AND sum(CASE kind WHEN 'TOTAL' THEN -total_kwh ELSE total_kwh END) <> 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: the sources of contract % are not its total',
      NEW.id, bad.contract_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_sources_add_up';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_allocation_closes
  BEFORE UPDATE OF state ON settlement_allocationrun
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state = 'CALCULATED')
  EXECUTE FUNCTION pox_settlement_allocation_closes();
"""

RUN_TOTAL = """
CREATE OR REPLACE FUNCTION pox_settlement_run_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE summed numeric; open_lines bigint;
BEGIN
  SELECT coalesce(sum(amount_usd), 0), count(*) FILTER (WHERE amount_usd IS NULL)
    INTO summed, open_lines FROM settlement_line WHERE run_id = NEW.id;
  IF open_lines > 0 THEN
    summed := NULL;
  END IF;
  IF NEW.total_usd IS DISTINCT FROM summed THEN
    RAISE EXCEPTION 'settlement run %: total % is not the sum of its lines %',
      NEW.id, NEW.total_usd, summed
      USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_run_total';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_run_total
  BEFORE UPDATE OF state ON settlement_settlementrun
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state <> 'DRAFT')
  EXECUTE FUNCTION pox_settlement_run_total();
"""

RESTS_ON_PROVED = """
CREATE OR REPLACE FUNCTION pox_settlement_rests_on_proved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM settlement_allocationrun
              WHERE id = NEW.allocation_run_id AND state = 'DRAFT') THEN
    RAISE EXCEPTION 'settlement run %: its allocation % was never proved to close in kWh',
      NEW.id, NEW.allocation_run_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'settlement_rests_on_proved';
  END IF;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_rests_on_proved
  BEFORE UPDATE OF state ON settlement_settlementrun
  FOR EACH ROW WHEN (NEW.state = 'APPROVED' AND NEW.allocation_run_id IS NOT NULL)
  EXECUTE FUNCTION pox_settlement_rests_on_proved();
"""

RUN_INVOICED = """
CREATE OR REPLACE FUNCTION pox_settlement_was_invoiced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.was_invoiced := TRUE;
  RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER pox_settlement_was_invoiced
  BEFORE UPDATE OF state ON settlement_settlementrun
  FOR EACH ROW WHEN (NEW.state = 'INVOICED')
  EXECUTE FUNCTION pox_settlement_was_invoiced();
"""


def _only_into_draft(child: str, parent: str, column: str = "run_id") -> str:
    """Return SQL that refuses new child rows once the parent has left DRAFT."""
    name = f"pox_{child}_into_draft"
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  SELECT r.id, r.state INTO bad FROM (SELECT DISTINCT {column} AS parent FROM new_rows) n
    JOIN {parent} r ON r.id = n.parent WHERE r.state <> 'DRAFT' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'run % is %, nothing can be added to it', bad.id, bad.state
      USING ERRCODE = 'restrict_violation', CONSTRAINT = '{name}';
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER {name} AFTER INSERT ON {child} REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""  # noqa: S608 - names from this file only


RULES: list[Rule] = [
    StateMachine(
        ALLOCATION_RUN,
        "state",
        {
            "DRAFT": ["CALCULATED"],
            "CALCULATED": ["APPROVED", "SUPERSEDED"],
            "APPROVED": ["SUPERSEDED"],
        },
        initial=["DRAFT"],
    ),
    Immutable(ALLOCATION_RUN, "OLD.state <> 'DRAFT'", ["state"]),
    AppendOnly(ALLOCATION_PART),
    Sql("settlement_part_storage", PART_STORAGE, [ALLOCATION_PART]),
    StateMachine(
        RUN,
        "state",
        {
            "DRAFT": ["CALCULATED"],
            "CALCULATED": ["REVIEW", "APPROVED", "REJECTED", "SUPERSEDED"],
            "REVIEW": ["CALCULATED", "APPROVED", "REJECTED", "SUPERSEDED"],
            "APPROVED": ["LOCKED", "INVOICED", "SUPERSEDED"],
            "LOCKED": ["INVOICED", "SUPERSEDED"],
            "INVOICED": ["SUPERSEDED"],
        },
        initial=["DRAFT"],
    ),
    Immutable(
        RUN,
        "OLD.state <> 'DRAFT'",
        [
            "state",
            "submitted_by",
            "submitted_at",
            "approved_by",
            "approved_at",
            "decision_comment",
            "was_invoiced",
        ],
    ),
    Immutable(
        RUN,
        "OLD.approved_by <> ''",
        ["state", "was_invoiced"],
    ),
    AppendOnly(LINE),
    AppendOnly(DESK_CHECK),
    AppendOnly(STATEMENT),
    StateMachine(
        DISPUTE,
        "state",
        {"OPEN": ["GRANTED", "PARTIAL", "DENIED", "WITHDRAWN"]},
        initial=["OPEN"],
    ),
    Immutable(DISPUTE, "OLD.state <> 'OPEN'", []),
    AppendOnly(WHAT_IF),
    Sql("settlement_allocation_closes", ALLOCATION_CLOSES, [ALLOCATION_RUN, ALLOCATION_PART]),
    Sql("settlement_rests_on_proved", RESTS_ON_PROVED, [ALLOCATION_RUN, RUN]),
    Sql("settlement_run_total", RUN_TOTAL, [RUN, LINE]),
    Sql("settlement_was_invoiced", RUN_INVOICED, [RUN]),
    Sql(
        "settlement_part_into_draft",
        _only_into_draft(ALLOCATION_PART, ALLOCATION_RUN),
        [ALLOCATION_RUN, ALLOCATION_PART],
    ),
    Sql("settlement_line_into_draft", _only_into_draft(LINE, RUN), [RUN, LINE]),
    StateMachine(
        MONTH,
        "state",
        {"DRAFT": ["CALCULATED"], "CALCULATED": ["SUPERSEDED"]},
        initial=["DRAFT"],
    ),
    Immutable(MONTH, "OLD.state <> 'DRAFT'", ["state"]),
    AppendOnly(SHARE),
    Immutable(ITEM, "TRUE", ["withdrawn_by", "withdrawn_at", "withdrawn_reason"]),
    Immutable(ITEM, "OLD.withdrawn_by <> ''"),
    Sql("settlement_pool_closes", POOL_CLOSES, [MONTH, SHARE]),
    Sql(
        "settlement_share_into_draft",
        _only_into_draft(SHARE, MONTH, "month_id"),
        [MONTH, SHARE],
    ),
    StateMachine(
        OWNER_MONTH,
        "state",
        {"DRAFT": ["CALCULATED"], "CALCULATED": ["SUPERSEDED"]},
        initial=["DRAFT"],
    ),
    Immutable(OWNER_MONTH, "OLD.state <> 'DRAFT'", ["state"]),
    AppendOnly(OWNER_LINE),
    Sql("settlement_owners_close", OWNERS_CLOSE, [OWNER_MONTH, OWNER_LINE]),
    Sql(
        "settlement_owner_line_into_draft",
        _only_into_draft(OWNER_LINE, OWNER_MONTH, "month_id"),
        [OWNER_MONTH, OWNER_LINE],
    ),
    Policy(SHARE),
    PortalGrant(SHARE),
    Policy(RUN),
    Policy(LINE),
    Policy(ALLOCATION_PART),
    Policy(CORRECTION),
    Policy(DESK_CHECK),
    Policy(STATEMENT),
    Policy(DISPUTE),
    PortalGrant(RUN),
    PortalGrant(LINE),
    PortalGrant(ALLOCATION_PART),
]

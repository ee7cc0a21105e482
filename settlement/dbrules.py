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
    Sql,
    StateMachine,
)

ALLOCATION_CLOSES = """
CREATE OR REPLACE FUNCTION pox_settlement_allocation_closes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  SELECT p.pool_code, (u.ord - 1) * p.minutes / w.minutes AS slot INTO bad
    FROM settlement_allocationpart p
    JOIN settlement_allocationpart w
      ON w.run_id = p.run_id AND w.pool_code = p.pool_code AND w.kind = 'WHOLE'
   CROSS JOIN LATERAL unnest(p.values) WITH ORDINALITY AS u(v, ord)
   WHERE p.run_id = NEW.id AND p.kind IN ('WHOLE', 'SHARED', 'LOSS', 'OPERATOR')
     AND u.v <> -9223372036854775808
   GROUP BY 1, 2
  HAVING sum(CASE p.kind WHEN 'WHOLE' THEN -u.v ELSE u.v END) <> 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: pool % does not close in interval %',
      NEW.id, bad.pool_code, bad.slot
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_closes';
  END IF;
  SELECT p.contract_id, (u.ord - 1) * p.minutes / t.minutes AS slot INTO bad
    FROM settlement_allocationpart p
    JOIN settlement_allocationpart t
      ON t.run_id = p.run_id AND t.contract_id = p.contract_id AND t.kind = 'TOTAL'
   CROSS JOIN LATERAL unnest(p.values) WITH ORDINALITY AS u(v, ord)
   WHERE p.run_id = NEW.id AND p.contract_id IS NOT NULL
   GROUP BY 1, 2
  HAVING bool_and(u.v <> -9223372036854775808)
     AND sum(CASE p.kind WHEN 'TOTAL' THEN -u.v ELSE u.v END) <> 0
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'allocation run %: contract % is not the sum of its parts in interval %',
      NEW.id, bad.contract_id, bad.slot
      USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_parts_add_up';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS pox_settlement_allocation_closes ON settlement_allocationrun;
CREATE TRIGGER pox_settlement_allocation_closes BEFORE UPDATE OF state ON settlement_allocationrun
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
DROP TRIGGER IF EXISTS pox_settlement_run_total ON settlement_settlementrun;
CREATE TRIGGER pox_settlement_run_total BEFORE UPDATE OF state ON settlement_settlementrun
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state <> 'DRAFT')
  EXECUTE FUNCTION pox_settlement_run_total();
"""


def _only_into_draft(child: str, parent: str) -> str:
    """Return SQL that refuses new child rows once the parent has left DRAFT."""
    name = f"pox_{child}_into_draft"
    return f"""
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE bad record;
BEGIN
  SELECT r.id, r.state INTO bad FROM (SELECT DISTINCT run_id FROM new_rows) n
    JOIN {parent} r ON r.id = n.run_id WHERE r.state <> 'DRAFT' LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'run % is %, nothing can be added to it', bad.id, bad.state
      USING ERRCODE = 'restrict_violation', CONSTRAINT = '{name}';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS {name} ON {child};
CREATE TRIGGER {name} AFTER INSERT ON {child} REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""  # noqa: S608 - names from this file only


RULES = [
    StateMachine(
        "settlement_allocationrun",
        "state",
        {
            "DRAFT": ["CALCULATED"],
            "CALCULATED": ["APPROVED", "SUPERSEDED"],
            "APPROVED": ["SUPERSEDED"],
        },
    ),
    Immutable("settlement_allocationrun", "OLD.state <> 'DRAFT'", ["state"]),
    AppendOnly("settlement_allocationpart"),
    StateMachine(
        "settlement_settlementrun",
        "state",
        {
            "DRAFT": ["CALCULATED"],
            "CALCULATED": ["REVIEW", "APPROVED", "REJECTED", "SUPERSEDED"],
            "REVIEW": ["CALCULATED", "APPROVED", "REJECTED", "SUPERSEDED"],
            "APPROVED": ["LOCKED", "INVOICED", "SUPERSEDED"],
            "LOCKED": ["INVOICED", "SUPERSEDED"],
            "INVOICED": ["SUPERSEDED"],
        },
    ),
    Immutable(
        "settlement_settlementrun",
        "OLD.state <> 'DRAFT'",
        [
            "state",
            "submitted_by",
            "submitted_at",
            "approved_by",
            "approved_at",
            "decision_comment",
        ],
    ),
    AppendOnly("settlement_line"),
    Immutable("settlement_correction", "TRUE", ["cleared_by_id"]),
    Sql("pox_settlement_allocation_closes", ALLOCATION_CLOSES),
    Sql("pox_settlement_run_total", RUN_TOTAL),
    Sql(
        "settlement_allocationpart_into_draft",
        _only_into_draft("settlement_allocationpart", "settlement_allocationrun"),
    ),
    Sql(
        "settlement_line_into_draft",
        _only_into_draft("settlement_line", "settlement_settlementrun"),
    ),
    Policy("settlement_settlementrun"),
    Policy("settlement_line"),
    Policy("settlement_allocationpart"),
    Policy("settlement_correction"),
    PortalGrant("settlement_settlementrun"),
    PortalGrant("settlement_line"),
    PortalGrant("settlement_allocationpart"),
]

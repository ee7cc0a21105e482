"""What the database itself promises about carbon: factors stand, mass is conserved, runs freeze."""

from poweroptix.db.rules import (
    AppendOnly,
    FrozenChild,
    Immutable,
    Policy,
    PortalGrant,
    Sql,
    StateMachine,
)

MASSES = ("co2_mg", "ch4_fossil_mg", "ch4_nonfossil_mg", "n2o_mg", "co2_biogenic_mg", "co2e_g")

CONSERVED = f"""
CREATE OR REPLACE FUNCTION pox_esg_conserved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE summed record;
BEGIN
  SELECT {", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in MASSES)}
    INTO summed FROM esg_emissionline WHERE run_id = NEW.id;
  IF ({", ".join(f"summed.{name}" for name in MASSES)})
     IS DISTINCT FROM ({", ".join(f"NEW.{name}" for name in MASSES)}) THEN
    RAISE EXCEPTION 'emission run %: its lines do not add up to what was emitted', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'pox_esg_conserved';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS pox_esg_conserved ON esg_emissionrun;
CREATE TRIGGER pox_esg_conserved BEFORE UPDATE OF state ON esg_emissionrun
  FOR EACH ROW WHEN (OLD.state = 'DRAFT' AND NEW.state <> 'DRAFT')
  EXECUTE FUNCTION pox_esg_conserved();
"""  # noqa: S608 - column names from this file only

RULES = [
    AppendOnly("esg_emissionfactor"),
    AppendOnly("esg_gwpvalue"),
    StateMachine(
        "esg_emissionrun",
        "state",
        {"DRAFT": ["CALCULATED"], "CALCULATED": ["SUPERSEDED"]},
        initial=["DRAFT"],
    ),
    Immutable("esg_emissionrun", "OLD.state <> 'DRAFT'", ["state"]),
    FrozenChild("esg_emissionline", "esg_emissionrun", "run_id", "p.state <> 'DRAFT'"),
    Sql("pox_esg_conserved", CONSERVED, ["esg_emissionline", "esg_emissionrun"]),
    Policy("esg_emissionline"),
    PortalGrant("esg_emissionline"),
    PortalGrant("esg_emissionfactor"),
    PortalGrant("esg_gwpvalue"),
    PortalGrant(
        "esg_emissionrun",
        columns=(
            *("id", "campus_id", "period", "version", "state", "gwp_set"),
            *("start_utc", "end_utc", "minutes", "intensity", "energy_in_kwh", "co2e_g"),
            *("inputs_sha256", "outcome_sha256", "created_at", "allocation_run_id"),
        ),
    ),
]

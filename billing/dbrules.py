"""What the database itself promises about invoices."""

from poweroptix.db.rules import (
    FrozenChild,
    Immutable,
    Policy,
    PortalGrant,
    Sql,
    StateMachine,
)

TOTAL = """
CREATE OR REPLACE FUNCTION pox_billing_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE head record; summed numeric; own bigint;
BEGIN
  own := (to_jsonb(coalesce(NEW, OLD)) ->> tg_argv[0])::bigint;
  SELECT id, total_usd, tenant_id INTO head FROM billing_invoice WHERE id = own;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT coalesce(sum(amount_usd), 0) INTO summed FROM billing_invoiceline WHERE invoice_id = own;
  IF summed <> head.total_usd THEN
    RAISE EXCEPTION 'invoice %: total % is not the sum of its lines %',
      own, head.total_usd, summed
      USING ERRCODE = 'check_violation', CONSTRAINT = 'pox_billing_total';
  END IF;
  IF EXISTS (SELECT FROM billing_invoiceline
              WHERE invoice_id = own AND tenant_id <> head.tenant_id) THEN
    RAISE EXCEPTION 'invoice %: a line belongs to another tenant', own
      USING ERRCODE = 'check_violation', CONSTRAINT = 'pox_billing_total';
  END IF;
  RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS pox_billing_total ON billing_invoice;
CREATE CONSTRAINT TRIGGER pox_billing_total AFTER INSERT OR UPDATE ON billing_invoice
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pox_billing_total('id');
DROP TRIGGER IF EXISTS pox_billing_line_total ON billing_invoiceline;
CREATE CONSTRAINT TRIGGER pox_billing_line_total AFTER INSERT OR UPDATE OR DELETE
  ON billing_invoiceline
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pox_billing_total('invoice_id');
"""

ONE_BY_ONE = """
CREATE OR REPLACE FUNCTION pox_billing_one_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.next_number NOT IN (OLD.next_number, OLD.next_number + 1)
     OR NEW.prefix <> OLD.prefix AND OLD.next_number > 1 THEN
    RAISE EXCEPTION 'number series % counts one by one and keeps its prefix', OLD.prefix
      USING ERRCODE = 'check_violation', CONSTRAINT = 'pox_billing_one_by_one';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER IF EXISTS pox_billing_one_by_one ON billing_numberseries;
CREATE TRIGGER pox_billing_one_by_one BEFORE UPDATE ON billing_numberseries
  FOR EACH ROW EXECUTE FUNCTION pox_billing_one_by_one();
"""

ISSUED_ONLY = """
DROP POLICY IF EXISTS pox_portal_issued ON billing_invoice;
CREATE POLICY pox_portal_issued ON billing_invoice AS RESTRICTIVE FOR SELECT TO poweroptix_portal
  USING (number IS NOT NULL);
DROP POLICY IF EXISTS pox_portal_issued ON billing_invoiceline;
CREATE POLICY pox_portal_issued ON billing_invoiceline AS RESTRICTIVE FOR SELECT
  TO poweroptix_portal USING (EXISTS (
    SELECT FROM billing_invoice i WHERE i.id = invoice_id AND i.number IS NOT NULL));
"""

# A tenant reads that its own readings changed, never that those of somebody else did.
OWN_CORRECTIONS = """
CREATE POLICY pox_portal_own ON settlement_correction AS RESTRICTIVE FOR SELECT
TO poweroptix_portal USING (scope = 'OWN')
"""

RULES = [
    StateMachine(
        "billing_invoice",
        "state",
        {"DRAFT": ["ISSUED", "VOID"], "ISSUED": ["VOID"]},
        initial=["DRAFT"],
    ),
    Immutable(
        "billing_invoice",
        "OLD.state <> 'DRAFT'",
        [
            *("state", "voided_by", "voided_at", "void_reason", "cancellation"),
            *("cancellation_sha256", "cancellation_pdf", "cancellation_pdf_sha256"),
        ],
    ),
    Immutable("billing_invoice", "OLD.state = 'VOID'"),
    FrozenChild("billing_invoiceline", "billing_invoice", "invoice_id", "p.state <> 'DRAFT'"),
    Sql("pox_billing_total", TOTAL, ["billing_invoice", "billing_invoiceline"]),
    Sql("pox_billing_one_by_one", ONE_BY_ONE, ["billing_numberseries"]),
    Policy("billing_invoice"),
    Policy("billing_invoiceline"),
    Sql("pox_portal_issued", ISSUED_ONLY, ["billing_invoice", "billing_invoiceline"]),
    Sql("pox_portal_own_corrections", OWN_CORRECTIONS, ["settlement_correction"]),
    PortalGrant("settlement_correction", columns=("id", "run_id", "tenant_id", "scope")),
    PortalGrant("billing_invoice"),
    PortalGrant("billing_invoiceline"),
]

"""What contracts ask of the database: who sees which rows, and what may not change any more."""

from poweroptix.db.rules import (
    AppendOnly,
    FrozenChild,
    Immutable,
    Policy,
    PortalGrant,
    Rule,
    Sql,
    StateMachine,
)

VERSION = "contracts_contractversion"
TENANT_ROWS = (
    "contracts_contract",
    VERSION,
    "contracts_term",
    "contracts_tenantpoint",
    "contracts_contractexample",
    "contracts_openingbalance",
    "contracts_contractevent",
    "contracts_contractquantity",
    "contracts_contractdocument",
    "contracts_diaryentry",
    "contracts_creditsupport",
)
PORTAL_READS = (
    "contracts_contract",
    VERSION,
    "contracts_term",
    "contracts_tenantpoint",
    "contracts_contractquantity",
    "contracts_party",
)

# A tenant also reads the parties it buys from: the seller's name stands on its invoices.
SELLER_POLICY = """
CREATE POLICY pox_portal_seller ON contracts_party FOR SELECT TO poweroptix_portal
USING (EXISTS (SELECT 1 FROM contracts_contract c WHERE c.seller_id = contracts_party.id))
"""

# Names of the places that serve a tenant; the policies of the inner tables decide which.
OWN_PLACES = """
ALTER TABLE meters_deliverypoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON meters_deliverypoint TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON meters_deliverypoint FOR SELECT TO poweroptix_portal
USING (id IN (SELECT p.delivery_point_id FROM contracts_tenantpoint p));
ALTER TABLE meters_campus ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON meters_campus TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON meters_campus FOR SELECT TO poweroptix_portal
USING (id IN (SELECT c.campus_id FROM contracts_contract c))
"""

# What is still being written is nobody's but the staff's.
NO_DRAFTS = """
CREATE POLICY pox_portal_no_draft ON contracts_contractversion AS RESTRICTIVE FOR SELECT
TO poweroptix_portal USING (state <> 'DRAFT');
CREATE POLICY pox_portal_no_draft ON contracts_term AS RESTRICTIVE FOR SELECT
TO poweroptix_portal USING (version_id IN (SELECT v.id FROM contracts_contractversion v))
"""

# Every text in the parameters of the terms that a tenant may read, wherever it stands: the codes of
# what the terms name are among them, whatever a charge type calls its parameters.
NAMED = """(SELECT v #>> '{}' FROM contracts_term t
  CROSS JOIN LATERAL jsonb_path_query(t.parameters, '$.**') AS v
  WHERE jsonb_typeof(v) = 'string')"""

# A tenant's line is priced again from the series that its terms name; those of others stay hidden.
OWN_PRICES = """
ALTER TABLE contracts_indexseries ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON contracts_indexseries TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON contracts_indexseries FOR SELECT TO poweroptix_portal
USING (code IN OWN_NAMES);
ALTER TABLE contracts_indexblock ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON contracts_indexblock TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON contracts_indexblock FOR SELECT TO poweroptix_portal
USING (series_id IN (SELECT s.id FROM contracts_indexseries s))
""".replace("OWN_NAMES", NAMED)

# The hours of its prices are a tenant's to read; calendars that no term of it names are not.
OWN_CALENDARS = """
ALTER TABLE contracts_toucalendar ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON contracts_toucalendar TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON contracts_toucalendar FOR SELECT TO poweroptix_portal
USING (code IN OWN_NAMES)
""".replace("OWN_NAMES", NAMED)

# The holidays of those calendars: without them nobody could check a time-of-use line by hand.
OWN_HOLIDAYS = """
ALTER TABLE contracts_holidaycalendar ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON contracts_holidaycalendar TO poweroptix_app
USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON contracts_holidaycalendar FOR SELECT TO poweroptix_portal
USING (id IN (SELECT c.holidays_id FROM contracts_toucalendar c));
ALTER TABLE contracts_holiday ENABLE ROW LEVEL SECURITY;
CREATE POLICY pox_staff ON contracts_holiday TO poweroptix_app USING (true) WITH CHECK (true);
CREATE POLICY pox_portal ON contracts_holiday FOR SELECT TO poweroptix_portal
USING (calendar_id IN (SELECT h.id FROM contracts_holidaycalendar h))
"""

# A version that was active may end earlier than planned, never grow into other days.
ONLY_SHORTEN = """
CREATE OR REPLACE FUNCTION pox_version_only_shortens() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF NOT (NEW.valid <@ OLD.valid) THEN
    RAISE EXCEPTION 'an active version may only end earlier: % is not inside %',
      NEW.valid, OLD.valid
      USING ERRCODE = '23514', CONSTRAINT = 'pox_version_only_shortens';
  END IF;
  RETURN NEW;
END $body$
"""
ONLY_SHORTEN_TRIGGER = f"""
CREATE OR REPLACE TRIGGER pox_version_only_shortens BEFORE UPDATE OF valid ON {VERSION}
FOR EACH ROW WHEN (OLD.state <> 'DRAFT') EXECUTE FUNCTION pox_version_only_shortens()
"""

# Whoever wrote in a draft is noted for good, and is not the second person who activates it.
SECOND_PERSON = """
CREATE OR REPLACE FUNCTION pox_version_second_person() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE wrote text[] := NEW.writers::text[] || NEW.created_by::text;
BEGIN
  IF NOT (OLD.writers <@ NEW.writers) THEN
    RAISE EXCEPTION 'who wrote in a version stays noted'
      USING ERRCODE = '23514', CONSTRAINT = 'pox_version_second_person';
  END IF;
  IF OLD.state = 'DRAFT' AND NEW.state = 'ACTIVE'
    AND EXISTS (SELECT 1 FROM unnest(wrote) AS one WHERE one ~ '^(user|token):')
    AND (NEW.activated_by !~ '^user:' OR NEW.activated_by = ANY (wrote)) THEN
    RAISE EXCEPTION 'a version is activated by a person who did not write in it, not by %',
      coalesce(nullif(NEW.activated_by, ''), 'nobody')
      USING ERRCODE = '23514', CONSTRAINT = 'pox_version_second_person';
  END IF;
  RETURN NEW;
END $body$
"""
SECOND_PERSON_TRIGGER = f"""
CREATE OR REPLACE TRIGGER pox_version_second_person BEFORE UPDATE ON {VERSION}
FOR EACH ROW EXECUTE FUNCTION pox_version_second_person()
"""

RULES: list[Rule] = [
    AppendOnly("contracts_indexblock"),
    AppendOnly("contracts_contractevent"),
    Immutable(VERSION, "OLD.state <> 'DRAFT'", ("state", "valid")),
    StateMachine(
        VERSION,
        "state",
        {"DRAFT": ("ACTIVE",), "ACTIVE": ("SUPERSEDED",), "SUPERSEDED": ()},
        initial=("DRAFT",),
    ),
    FrozenChild("contracts_term", VERSION, "version_id", "p.state <> 'DRAFT'"),
    FrozenChild("contracts_contractexample", VERSION, "version_id", "p.state <> 'DRAFT'"),
    AppendOnly("contracts_contractdocument"),
    Immutable("contracts_diaryentry", "OLD.done_at IS NOT NULL", ()),
    Immutable("contracts_openingbalance", "OLD.approved_by <> ''", ()),
    Sql("pox_version_only_shortens_function", ONLY_SHORTEN, (VERSION,)),
    Sql("pox_version_only_shortens", ONLY_SHORTEN_TRIGGER, (VERSION,)),
    Sql("pox_version_second_person_function", SECOND_PERSON, (VERSION,)),
    Sql("pox_version_second_person", SECOND_PERSON_TRIGGER, (VERSION,)),
    *(Policy(table) for table in TENANT_ROWS),
    Policy("contracts_party"),
    Sql("pox_portal_seller", SELLER_POLICY, ("contracts_party", "contracts_contract")),
    *(PortalGrant(table) for table in PORTAL_READS),
    Sql(
        "pox_portal_places",
        OWN_PLACES,
        ("meters_deliverypoint", "meters_campus", "contracts_tenantpoint", "contracts_contract"),
    ),
    PortalGrant("meters_deliverypoint"),
    PortalGrant("meters_campus"),
    Sql("pox_portal_no_draft", NO_DRAFTS, (VERSION, "contracts_term")),
    Sql("pox_portal_prices", OWN_PRICES, ("contracts_indexblock", "contracts_term")),
    Sql("pox_portal_calendars", OWN_CALENDARS, ("contracts_toucalendar", "contracts_term")),
    Sql("pox_portal_holidays", OWN_HOLIDAYS, ("contracts_holiday", "contracts_toucalendar")),
    PortalGrant("contracts_toucalendar"),
    PortalGrant("contracts_holidaycalendar"),
    PortalGrant("contracts_holiday"),
    PortalGrant("contracts_indexseries"),
    PortalGrant("contracts_indexblock"),
]
